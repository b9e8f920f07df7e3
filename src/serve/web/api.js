// SPDX-License-Identifier: Apache-2.0
// The server's REST interface.

export const streamPath = (name) => `/api/v1/streams/${encodeURIComponent(name)}`;

export async function ask(path, options = {}) {
  const answer = await fetch(path, { cache: 'no-store', ...options });
  if (answer.status === 401) location.replace('/login');
  if (!answer.ok) {
    const { error } = await answer.json().catch(() => ({ error: answer.statusText }));
    throw new Error(error);
  }
  return answer.json();
}

export const send = (method, path, body) =>
  ask(path, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
