// What the person chose on this browser. Storage may be refused (private windows): then a choice
// lasts as long as the page.
const memory = new Map();

export function pref(name) {
	try {
		return localStorage.getItem('desk-migration.' + name) ?? memory.get(name) ?? null;
	} catch {
		return memory.get(name) ?? null;
	}
}

export function setPref(name, value) {
	memory.set(name, value);
	try {
		if (value === null) localStorage.removeItem('desk-migration.' + name);
		else localStorage.setItem('desk-migration.' + name, value);
	} catch {
		// kept in memory
	}
}
