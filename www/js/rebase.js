// A form over something that somebody else has changed meanwhile: what was typed stays, the rest becomes what is so now.
// was: what the form showed at first; form: what stands in it; now: what it would show at first today. Pure.
export function rebase(was, form, now) {
	const out = { ...now };
	for (const name of Object.keys(form)) {
		if (form[name] !== null && typeof form[name] === 'object') out[name] = rebase(was[name] ?? {}, form[name], now[name] ?? {});
		else if (form[name] !== was[name]) out[name] = form[name];
	}
	return out;
}
