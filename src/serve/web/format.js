// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them.

export const count = (value) => Math.round(value).toLocaleString('en').replaceAll(',', '\u202f');
export const fps = (value) => (value >= 99.95 ? value.toFixed(0) : value.toFixed(1));
export const percent = (share) => `${Math.round(share * 100)}\u202f%`;
export const total = (counts) => Object.values(counts).reduce((sum, value) => sum + value, 0);

export function seconds(value) {
  if (value < 0.0995) return `${(value * 1000).toFixed(value < 0.00995 ? 1 : 0)}\u202fms`;
  if (value < 9.95) return `${value.toFixed(2)}\u202fs`;
  return duration(value);
}

export function duration(value) {
  const whole = Math.floor(value);
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  if (minutes) return `${minutes} min ${whole % 60} s`;
  return `${whole} s`;
}

export function bytes(value) {
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (value < 1000 || unit === 'GB') return `${value < 10 && unit !== 'B' ? value.toFixed(1) : value.toFixed(0)}\u202f${unit}`;
    value /= 1000;
  }
}

export const words = (reason) => reason.replaceAll('_', ' ');
export const clock = (date) => date.toLocaleTimeString('en-GB');

export function day(date) {
  const today = new Date().toDateString() === date.toDateString();
  return today ? `today ${clock(date)}` : `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} ${clock(date)}`;
}

// A time as sinks write it: seconds since 1970, or ISO 8601.
export const time = (value) => (typeof value === 'number' ? new Date(value * 1000) : new Date(value ?? NaN));
