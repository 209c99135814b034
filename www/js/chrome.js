// The frame around each view: name, navigation, who is signed in, language and theme.
import { html, useCell, useEffect, useState } from './html.js';
import { language, languages, setLanguage, t, word } from './i18n.js';
import { setTheme, theme, themes } from './theme.js';
import { me, signOut, may } from './session.js';
import { route } from './router.js';
import { uploadsUnderWay } from './upload-count.js';
import { number } from './format.js';
import { Icon, Mark } from './icon.js';
import { announce, toast } from './notice.js';

export function LanguageChoice() {
	const now = useCell(language);
	return html`<div class="segmented" role="group" aria-label=${t('language')}>${languages.map((l) => html`
		<button type="button" lang=${l.id} aria-pressed=${l.id === now ? 'true' : 'false'} title=${l.name}
			onClick=${() => setLanguage(l.id)}>${l.id.toUpperCase()}<span class="visually-hidden">${' '}${l.name}</span></button>`)}</div>`;
}

export function ThemeChoice() {
	const now = useCell(theme);
	return html`<div class="segmented" role="group" aria-label=${t('theme')}>${themes.map((name) => html`
		<button type="button" aria-pressed=${name === now ? 'true' : 'false'} onClick=${() => setTheme(name)}>${t('theme.' + name)}</button>`)}</div>`;
}

const places = [
	{ path: '/', key: 'nav.jobs', match: (p) => p.length === 0 || p[0] === 'jobs' || p[0] === 'new' },
	{ path: '/uploads', key: 'nav.uploads', match: (p) => p[0] === 'uploads', count: uploadsUnderWay },
	{ path: '/settings', key: 'nav.settings', match: (p) => p[0] === 'settings' },
	{ path: '/audit', key: 'nav.audit', match: (p) => p[0] === 'audit', needs: 'audit.read' },
	{ path: '/users', key: 'nav.users', match: (p) => p[0] === 'users', needs: 'users.manage' },
];

function UserMenu() {
	const who = useCell(me);
	const [open, setOpen] = useState(false);
	const leave = async () => {
		try {
			await signOut();
			announce(t('signin.out'));
		} catch (problem) {
			toast(problem.title || problem.message);
		}
	};
	const onKey = (e) => {
		if (e.key !== 'Escape' || !open) return;
		setOpen(false);
		e.currentTarget.querySelector('button').focus();
	};
	const onLeave = (e) => !e.currentTarget.contains(e.relatedTarget) && setOpen(false);
	return html`<div class="menu" onKeyDown=${onKey} onFocusout=${onLeave}>
		<button type="button" class="button quiet" aria-expanded=${open ? 'true' : 'false'} onClick=${() => setOpen(!open)}>
			<${Icon} name="user" /><span class="user-name">${who.name || who.sub}</span><${Icon} name="down" /></button>
		${open && html`<div class="menu-panel" tabindex="-1">
			<p class="menu-who"><strong>${who.name || who.sub}</strong><br />${word('role', who.role)}</p>
			<p class="menu-label">${t('language')}</p><${LanguageChoice} />
			<p class="menu-label">${t('theme')}</p><${ThemeChoice} />
			<button type="button" class="button" id="sign-out" onClick=${leave}>${t('signin.leave')}</button>
		</div>`}
	</div>`;
}

export function TopBar() {
	const { parts } = useCell(route);
	useCell(me);
	useCell(uploadsUnderWay);
	// On a narrow screen the places scroll sideways.
	useEffect(() => document.querySelector('.topbar [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' }), [parts[0]]);
	return html`<header class="topbar">
		<a class="brand" href="#/"><${Mark} size="26" /><span>${t('app.name')}</span></a>
		<nav aria-label=${t('nav.main')}>${places.filter((p) => !p.needs || may(p.needs)).map((p) => html`
			<a href=${'#' + p.path} aria-current=${p.match(parts) ? 'page' : undefined}>${t(p.key)}${p.count?.get() > 0 && html`<span class="count">${number(p.count.get())}</span>`}</a>`)}</nav>
		<${UserMenu} />
	</header>`;
}
