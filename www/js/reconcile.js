// Whether two documents of the API say the same.
export function equal(a, b) {
	if (Object.is(a, b)) return true;
	if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
	const names = Object.keys(a);
	return names.length === Object.keys(b).length && names.every((name) => name in b && equal(a[name], b[name]));
}

// Of two lists, the new one with the old objects where nothing changed: rows that stand still are not redrawn.
export function reconcile(before, after) {
	if (!Array.isArray(before) || !Array.isArray(after)) return after;
	const old = new Map(before.map((item) => [item.id ?? item.mailbox_id, item]));
	let same = before.length === after.length;
	const merged = after.map((item, i) => {
		const was = old.get(item.id ?? item.mailbox_id);
		const keep = was !== undefined && equal(was, item) ? was : item;
		if (keep !== before[i]) same = false;
		return keep;
	});
	return same ? before : merged;
}
