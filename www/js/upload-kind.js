// What a file is, told by its first bytes before any of them is sent: nobody should send 50 GB to learn that they are
// of no use. The service looks again when all has arrived (lib/upload_kind.c); its word counts. Pure.
const text = (bytes, at, n) => String.fromCharCode(...bytes.subarray(at, at + n));
const starts = (bytes, s, at = 0) => text(bytes, at, s.length) === s;

// In this order. kind: what the service would call it, null: of no use as it is. about: the words upload.about.NAME.
const looks = [
	{ about: 'ost', kind: 'pst', is: (b) => starts(b, '!BDN') && starts(b, 'SO', 8) },
	{ about: 'pst', kind: 'pst', is: (b) => starts(b, '!BDN') },
	{ about: 'zip', kind: 'zip', is: (b) => starts(b, 'PK\x03\x04') },
	{ about: 'tgz', kind: 'tgz', is: (b) => starts(b, '\x1f\x8b') },
	{ about: 'mbox', kind: 'mbox', is: (b) => starts(b, 'From ') && b.indexOf(10) >= 0 },
	{ about: 'tar', kind: null, is: (b) => starts(b, 'ustar', 257) },
	{ about: 'sevenzip', kind: null, is: (b) => starts(b, '7z\xbc\xaf\x27\x1c') },
	{ about: 'rar', kind: null, is: (b) => starts(b, 'Rar!') },
	{ about: 'eml', kind: null, is: (b) => /^[A-Z][A-Za-z-]+: [^\n]*\r?\n([A-Z][\w-]+:|[ \t])/.test(text(b, 0, Math.min(b.length, 2000))) },
	{ about: 'empty', kind: null, is: (b) => b.length === 0 },
	{ about: 'unknown', kind: null, is: () => true },
];

export const headBytes = 4096;

export function sniff(bytes) {
	const { kind, about } = looks.find((look) => look.is(bytes));
	return { kind, about };
}

// The source kind that a mailbox says for a file of this kind; null: none reads it.
export function sourceKind(kind) {
	return { pst: 'pst', mbox: 'mbox', zip: 'mbox', tgz: 'tgz' }[kind] ?? null;
}

const fold = (s) => s.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase();
const parts = (s) => fold(s).split(/[^a-z0-9]+/).filter((p) => p.length > 2);
const local = (address) => String(address ?? '').split('@')[0];

// Whose file is it, going by its name? The mailboxes whose person the name speaks of, and not of the chosen one: a
// file of the wrong person is found before it is copied. users: addresses. Empty: nothing speaks against it.
export function othersNamed(fileName, chosen, users) {
	const name = fold(fileName), words = parts(fileName);
	const named = (address) => {
		const whole = fold(local(address));
		return (whole.length > 2 && name.includes(whole)) || parts(local(address)).some((p) => words.includes(p));
	};
	if (named(chosen)) return [];
	return users.filter((u) => u !== chosen && named(u));
}
