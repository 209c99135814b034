// Light, dark, or as the system says (auto).
import { cell } from './cell.js';
import { pref, setPref } from './prefs.js';

export const themes = ['auto', 'light', 'dark'];
export const theme = cell(themes.includes(pref('theme')) ? pref('theme') : 'auto');

function apply(value) {
	if (value === 'auto') delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = value;
}

export function setTheme(value) {
	setPref('theme', value);
	apply(value);
	theme.set(value);
}

if (typeof document !== 'undefined') apply(theme.get());
