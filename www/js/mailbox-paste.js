// From what people paste (a spreadsheet, a CSV export, a list of addresses) to rows of mailboxes.
// Pure: text in, rows out; nothing is sent anywhere from here.
export const columns = ['source_user', 'source_password', 'dest_user', 'dest_password'];

// What heads a column in the wild, in both languages, folded to lower case and letters only.
const headings = {
	source_user: ['sourceuser', 'source', 'from', 'origem', 'utilizadordeorigem', 'usuariodeorigem', 'user', 'utilizador',
		'email', 'emailaddress', 'emaildeorigem', 'address', 'endereco', 'conta', 'mailbox', 'caixa', 'login', 'username', 'contadeorigem'],
	source_password: ['sourcepassword', 'password', 'senha', 'palavrapasse', 'pass', 'sourcepass', 'palavrapassedeorigem',
		'senhadeorigem'],
	dest_user: ['destuser', 'dest', 'destination', 'destinationuser', 'to', 'destino', 'utilizadordedestino',
		'usuariodedestino', 'newuser', 'newaddress', 'newemail', 'emaildedestino', 'novoemail', 'contadedestino'],
	dest_password: ['destpassword', 'destinationpassword', 'destpass', 'newpassword', 'novasenha', 'palavrapassededestino',
		'senhadedestino', 'novapalavrapasse'],
};

const fold = (s) => s.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase().replace(/[^a-z]/g, '');

// The separator that splits the first lines most evenly; quoted fields do not count.
export function separator(text) {
	const lines = text.split(/\r\n|\r|\n/).filter((l) => l.trim()).slice(0, 5).map((l) => l.replace(/"([^"]|"")*"/g, ''));
	let best = ',', most = 0;
	for (const s of ['\t', ';', ',', '|']) {
		const n = Math.min(...lines.map((l) => l.split(s).length - 1));
		if (n > most) {
			most = n;
			best = s;
		}
	}
	return best;
}

// RFC 4180 with any separator: quotes may hold separators, line ends and doubled quotes.
export function cells(text, sep) {
	const rows = [];
	let row = [], field = '', quoted = false;
	const endField = () => {
		row.push(field);
		field = '';
	};
	const endRow = () => {
		endField();
		if (row.some((f) => f.trim())) rows.push(row);
		row = [];
	};
	for (let i = 0; i < text.length; i++) {
		const c = text[i];
		if (quoted) {
			if (c !== '"') field += c;
			else if (text[i + 1] === '"') field += text[++i];
			else quoted = false;
		} else if (c === '"' && field.trim() === '') {
			field = '';
			quoted = true;
		} else if (c === sep) endField();
		else if (c === '\n') endRow();
		else if (c === '\r') {
			if (text[i + 1] !== '\n') endRow();
		} else field += c;
	}
	if (field || row.length) endRow();
	return rows;
}

// "Ana Silva <ana@a.example>" and "mailto:ana@a.example" are the address; anything else is only trimmed.
export function address(s) {
	const trimmed = s.replace(/[\u200b\ufeff]/g, '').replace(/\u00a0/g, ' ').trim();
	const angle = /<\s*([^<>\s]+@[^<>\s]+)\s*>\s*$/.exec(trimmed);
	return (angle ? angle[1] : trimmed).replace(/^mailto:/i, '');
}

function columnOf(heading) {
	const f = fold(heading);
	return columns.find((name) => headings[name].includes(f)) ?? null;
}

// Which column each field of the first row names; null when the first row is no heading.
export function mapping(first) {
	const map = first.map(columnOf);
	if (first.some((f) => f.includes('@')) || !map.some(Boolean)) return null;
	const seen = new Set();
	return map.map((name) => (name && !seen.has(name) ? (seen.add(name), name) : null));
}

// How a text would be read: {sep, heading, grid, map}. map: for each column of the grid one of `columns` or null. Without
// a heading, columns are taken in that order; two columns of addresses are source and destination.
export function planOf(text, sep = separator(text)) {
	const grid = cells(text.replace(/^\ufeff/, ''), sep);
	const named = grid.length ? mapping(grid[0]) : null;
	return { sep, grid, heading: named !== null, map: named ? byLooks(named, grid.slice(1)) : positions(grid) };
}

// Headings that nobody knows: a column of addresses is the source, the next one the destination.
function byLooks(map, rows) {
	const plain = (s) => s !== undefined && /^[^\s@<>]+@[^\s@<>]+$/.test(s.trim());
	for (const name of ['source_user', 'dest_user']) {
		if (map.includes(name)) continue;
		const after = name === 'dest_user' ? map.indexOf('source_user') : -1;
		const i = map.findIndex((was, at) => was === null && at > after && rows.length > 0 && rows.filter((r) => plain(r[at])).length * 2 > rows.length);
		if (i >= 0) map[i] = name;
	}
	return map;
}

function positions(grid) {
	const two = grid.length > 0 && grid.every((r) => r.length === 2 && r[1].includes('@') && r[0].includes('@'));
	const width = Math.max(0, ...grid.map((r) => r.length));
	return Array.from({ length: width }, (_, i) => (two ? ['source_user', 'dest_user'] : columns)[i] ?? null);
}

// Rows of {source_user, source_password, dest_user, dest_password}, as the plan says.
export function rowsFrom({ grid, heading, map }) {
	return (heading ? grid.slice(1) : grid).map((fields) => {
		const row = emptyRow();
		map.forEach((name, i) => {
			if (name && fields[i] !== undefined) row[name] = name.endsWith('_user') ? address(fields[i]) : fields[i];
		});
		return row;
	});
}

export const rowsOf = (text) => rowsFrom(planOf(text));

let serial = 0;
export function emptyRow() {
	return { key: ++serial, source_user: '', source_password: '', dest_user: '', dest_password: '' };
}

export const isEmpty = (row) => columns.every((c) => !row[c].trim());

// What is wrong with the rows before they are sent: [{row, column, code}]. `taken`: addresses that the job has.
export function check(rows, taken = new Set()) {
	const found = [], from = new Map(), to = new Map();
	rows.forEach((row, i) => {
		if (isEmpty(row)) return;
		const source = row.source_user.trim(), dest = (row.dest_user.trim() || source);
		const low = source.toLowerCase(), lowDest = dest.toLowerCase();
		const several = (v) => /[;,|\t]/.test(v) || v.split('@').length > 2;
		if (!source) found.push({ row: i, column: 'source_user', code: 'missing' });
		else if (several(source)) found.push({ row: i, column: 'source_user', code: 'several' });
		else if (/\s/.test(source)) found.push({ row: i, column: 'source_user', code: 'space' });
		else if (from.has(low)) found.push({ row: i, column: 'source_user', code: 'twice', other: from.get(low) + 1 });
		else if (taken.has(low)) found.push({ row: i, column: 'source_user', code: 'taken' });
		if (dest !== source && several(dest)) found.push({ row: i, column: 'dest_user', code: 'several' });
		else if (/\s/.test(dest)) found.push({ row: i, column: 'dest_user', code: 'space' });
		else if (dest && to.has(lowDest) && !from.has(low))
			found.push({ row: i, column: 'dest_user', code: 'twice', other: to.get(lowDest) + 1 });
		if (low && !from.has(low)) from.set(low, i);
		if (lowDest && !to.has(lowDest)) to.set(lowDest, i);
	});
	return found;
}
