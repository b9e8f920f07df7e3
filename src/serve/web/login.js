// SPDX-License-Identifier: Apache-2.0
import { useTheme } from './theme.js';

useTheme();
const form = document.getElementById('login');
const problem = document.getElementById('problem');
document.getElementById('enter').disabled = false; // without this script the token would go elsewhere

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  problem.textContent = '';
  try {
    const answer = await fetch('/api/v1/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token: form.token.value.trim() }),
    });
    if (answer.ok) {
      location.replace('/');
      return;
    }
    const { error } = await answer.json();
    problem.textContent = `${error[0].toUpperCase()}${error.slice(1)}.`;
    form.token.select();
  } catch {
    problem.textContent = 'The server cannot be reached.';
  }
});
