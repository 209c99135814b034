// Words in the person's language. Two dictionaries with the same keys; a value is a text with {names},
// or one text per plural form, chosen by {n}. Only the dictionary in use is fetched.
import { cell } from './cell.js';
import { pref, setPref } from './prefs.js';

const sources = {
	en: async () => (await import('./words-en.js')).en,
	pt: async () => (await import('./words-pt.js')).pt,
};
const dictionaries = {};
export const languages = [
	{ id: 'pt', name: 'Português' },
	{ id: 'en', name: 'English' },
];

export function choose(wanted) {
	for (const tag of wanted) {
		const id = String(tag).toLowerCase().split('-')[0];
		if (id in sources) return id;
	}
	return 'en';
}

const asked = () => (typeof navigator === 'undefined' ? [] : (navigator.languages ?? [navigator.language]));
export const language = cell(choose([pref('language'), ...asked()].filter(Boolean)));

async function fetchWords(id) {
	dictionaries[id] ??= await sources[id]();
}
await fetchWords(language.get());

// The tag for Intl: the browser's own variant of the language when it has one (en-GB, pt-BR).
export function locale() {
	const id = language.get();
	return asked().find((tag) => tag.toLowerCase().split('-')[0] === id) ?? (id === 'pt' ? 'pt-PT' : 'en-GB');
}

export async function setLanguage(id) {
	await fetchWords(id);
	setPref('language', id);
	language.set(id);
	applyLanguage();
}

export function applyLanguage() {
	if (typeof document !== 'undefined') document.documentElement.lang = language.get();
}

export function has(key) {
	return key in dictionaries[language.get()];
}

export function t(key, values = {}) {
	let text = dictionaries[language.get()][key];
	if (text === undefined) return key;
	if (typeof text === 'object') {
		const form = new Intl.PluralRules(locale()).select(Number(values.n));
		text = text[form] ?? text.other;
	}
	return text.replace(/\{(\w+)\}/g, (all, name) => {
		const value = values[name];
		if (value === undefined || value === null) return all;
		return typeof value === 'number' ? new Intl.NumberFormat(locale()).format(value) : String(value);
	});
}

// The words of a code of the API (status, reason, role …): the code itself when it is a new one.
export function word(kind, code) {
	const key = kind + '.' + code;
	return has(key) ? t(key) : String(code ?? '');
}
