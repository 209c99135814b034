// What to do when sending a file has met an answer that is not the one hoped for. Pure.
//   wait    the line or the service is away: again after a while, for as long as it takes
//   signin  the session has ended: ask for the password, then go on
//   gone    the upload is not there any more: only from the start
//   failed  somebody has to do something first
export function verdictOf(status, code = '') {
	if (status === 401) return 'signin';
	if (status === 404 || status === 410) return 'gone';
	if ([0, 408, 409, 423, 429, 460, 500, 502, 503, 504, 507].includes(status) && code !== 'service.disabled') return 'wait';
	return 'failed';
}

// Milliseconds before try n (from 0). A full disk does not empty itself in a second.
export function delayOf(attempt, status) {
	if (status === 507) return 20000;
	return Math.min(1000 * 2 ** attempt, 15000);
}
