// Who is signed in, and the way back in when a session ends while somebody works.
import { cell } from './cell.js';
import { Problem, connection, forget, get, onUnauthorized, request } from './api.js';

// null: not known yet; false: nobody; otherwise what GET /me answers.
export const me = cell(null);
// true while the sign-in form stands over a page that somebody was working on.
export const expired = cell(false);

let waiting = null;
onUnauthorized(() => {
	if (!me.get()) return false;
	waiting ??= {};
	waiting.promise ??= new Promise((resolve) => (waiting.resolve = resolve));
	expired.set(true);
	return waiting.promise;
});

function goOn(same) {
	expired.set(false);
	waiting?.resolve?.(same);
	waiting = null;
}

export async function start() {
	try {
		me.set(await get('/me'));
	} catch (e) {
		if (e instanceof Problem && e.status === 401) return me.set(false);
		if (!(e instanceof Problem) || connection.get() === 'up') console.error(e);
		const stop = connection.watch((state) => {
			if (state !== 'up') return;
			stop();
			start();
		});
		if (connection.get() === 'up') me.set(false);
	}
}

// Signs in. What waited for it is sent again only when the same person came back.
export async function signIn(user, password) {
	const before = me.get();
	globalThis.ahead?.drop();
	const { body } = await request('POST', '/session', { body: { user, password } });
	const same = !before || before.sub === body.user.sub;
	if (!same) forget();
	me.set(body.user);
	goOn(same);
}

export async function signOut() {
	try {
		await request('DELETE', '/session');
	} catch (e) {
		if (!(e instanceof Problem) || e.status !== 401) throw e;
	}
	forget();
	me.set(false);
	goOn(false);
}

export const may = (permission) => Boolean(me.get()?.permissions?.includes(permission));
