// A mailbox's folder rules ({map, include, exclude}) and the preview that a worker made of them, as rows that can be
// edited; what two rows have in common; and the rules that the edited rows mean. Pure.
const slashed = (name, sep) => (sep && sep !== '/' ? name.replaceAll('/', '_').replaceAll(sep, '/') : name);
// Patterns are shell globs: what is a name must not become one.
const literal = (name) => name.replace(/[\\*?[\]]/g, '\\$&');

export const isInbox = (name) => name.toUpperCase() === 'INBOX';

// plan: result.folders of a discover run. [{name, path, dest, wanted, messages, bytes, create, excluded, fixed}].
// wanted: what the person has typed; fixed: a name that a rule cannot speak of.
export function rowsOf(plan, rules) {
	const rows = (plan ?? []).map((f) => ({ name: f.folder, path: slashed(f.folder, f.sep), dest: f.dest, wanted: f.dest, messages: f.messages, bytes: f.bytes,
		toCopy: f.to_copy, create: f.create, compare: f.compare, excluded: false, fixed: isInbox(f.folder) || f.folder.includes('=') || f.folder_raw !== undefined }));
	const seen = new Set(rows.map((r) => literal(r.path)));
	for (const pattern of rules?.exclude ?? [])
		if (!seen.has(pattern)) rows.push({ pattern, name: pattern, path: pattern, dest: '', wanted: '', messages: null, bytes: null, excluded: true, fixed: true });
	return rows;
}

// {name: [the other names]}: folders that would end up in one. Servers differ about upper and lower case: one that
// does not tell them apart makes one folder of two.
export function collisions(rows) {
	const to = new Map(), found = {};
	for (const r of rows) {
		if (r.excluded || !r.wanted.trim()) continue;
		const key = r.wanted.trim().toLowerCase();
		to.set(key, [...(to.get(key) ?? []), r.name]);
	}
	for (const names of to.values()) if (names.length > 1) for (const n of names) found[n] = names.filter((x) => x !== n);
	return found;
}

// What is wrong with a row before it is saved: a key of the words folders.wrong.KEY, or null.
export function mistake(row) {
	if (row.excluded || row.wanted === row.dest) return null;
	if (!row.wanted.trim()) return 'empty';
	if (/[\x00-\x1f\x7f]/.test(row.wanted) || new TextEncoder().encode(row.wanted).length > 1000) return 'name';
	if (/^\/|\/$|\/\//.test(row.wanted.trim())) return 'level';
	return null;
}

// before: the rules as they stand. What the preview does not show stays.
export function rulesOf(rows, before = {}) {
	const map = { ...(before.map ?? {}) };
	const exclude = new Set(before.exclude ?? []);
	for (const r of rows) {
		const pattern = r.pattern ?? literal(r.path);
		if (r.excluded) exclude.add(pattern);
		else exclude.delete(pattern);
		if (r.pattern || r.fixed || r.excluded || r.wanted.trim() === r.dest) continue;
		delete map[r.name];
		map[r.path] = r.wanted.trim();
	}
	return { map, include: before.include ?? [], exclude: [...exclude] };
}

export const changed = (rows) => rows.some((r) => (r.pattern ? !r.excluded : r.excluded || r.wanted !== r.dest));
