// The words of a failure's code: what happened and what to do, from the table that every program shares.
import { language } from './i18n.js';
import { problems } from './problems.js';

// {title, remedy}, or null for a code that this page does not know yet.
export function failure(code) {
	if (!Object.hasOwn(problems, code ?? '')) return null;
	const [title, remedy] = problems[code][language.get()];
	return { title, remedy };
}
