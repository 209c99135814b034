// Local accounts, where they are in use (super admin).
import { html, useEffect, useState } from './html.js';
import { t, word } from './i18n.js';
import { all, del, newKey, patch, post } from './api.js';
import { may, me } from './session.js';
import { Dialog } from './dialog.js';
import { SelectField, TextField } from './field.js';
import { Notice, ProblemBox, toast } from './notice.js';
import { Icon } from './icon.js';

const roles = ['technician', 'ops_lead', 'super_admin'];

function UserDialog({ user, onClose, onDone }) {
	const [form, setForm] = useState({ name: user?.name ?? '', display_name: user?.display_name ?? '', role: user?.role ?? 'technician', password: '' });
	const [problem, setProblem] = useState(null);
	const set = (name) => (v) => setForm((f) => ({ ...f, [name]: v }));
	const submit = async (e) => {
		e.preventDefault();
		setProblem(null);
		try {
			if (!user) await post('/users', { ...form, name: form.name.trim() }, { key: newKey() });
			else {
				const body = { display_name: form.display_name, role: form.role, ...(form.password && { password: form.password }) };
				await patch('/users/' + user.id, body, '"' + user.version + '"');
			}
			toast(t('saved'));
			onDone();
		} catch (p) {
			setProblem(p);
		}
	};
	const error = (name) => problem?.errors?.find((e) => e.pointer === '/' + name)?.detail;
	return html`<${Dialog} title=${t(user ? 'user.edit' : 'user.new')} onClose=${onClose}><form class="stack" onSubmit=${submit}>
		<${ProblemBox} problem=${problem} />
		<${TextField} label=${t('signin.user')} value=${form.name} onValue=${set('name')} required disabled=${Boolean(user)} autocapitalize="none" autocomplete="off" data-autofocus error=${error('name')} />
		<${TextField} label=${t('user.display')} value=${form.display_name} onValue=${set('display_name')} optional error=${error('display_name')} />
		<${SelectField} label=${t('user.role')} value=${form.role} onValue=${set('role')} options=${roles.map((r) => [r, word('role', r)])} error=${error('role')} />
		<${TextField} label=${t('signin.password')} type="password" value=${form.password} onValue=${set('password')} required=${!user} autocomplete="new-password" hint=${user ? t('user.password.keep') : t('user.password.hint')} error=${error('password')} />
		<div class="form-foot"><button class="button primary" type="submit">${t('save')}</button><button class="button quiet" type="button" onClick=${onClose}>${t('cancel')}</button></div>
	</form><//>`;
}

export function UsersView() {
	const [items, setItems] = useState(null);
	const [problem, setProblem] = useState(null);
	const [edit, setEdit] = useState(null);
	const load = () => all('/users').then(setItems, setProblem);
	useEffect(() => {
		document.title = t('nav.users') + ' · ' + t('app.name');
		if (may('users.manage')) load();
	}, []);
	if (!may('users.manage')) return html`<${Notice} kind="warn">${t('forbidden')}<//>`;
	const remove = async (u) => {
		if (!confirm(t('user.remove.confirm', { name: u.name }))) return;
		try {
			await del('/users/' + u.id);
			toast(t('user.removed'));
		} catch (p) {
			setProblem(p);
		}
		load();
	};
	return html`
		<div class="page-head"><div><h1>${t('nav.users')}</h1><p class="lead">${t('users.lead')}</p></div>
			<button type="button" class="button primary" data-users-new onClick=${() => setEdit({})}><${Icon} name="plus" />${t('user.new')}</button></div>
		<${ProblemBox} problem=${problem} />
		${items && html`<div class="card table-card" data-users><table class="table stackable"><caption class="visually-hidden">${t('nav.users')}</caption>
			<thead><tr><th scope="col">${t('signin.user')}</th><th scope="col">${t('user.display')}</th><th scope="col">${t('user.role')}</th><th scope="col"><span class="visually-hidden">${t('actions')}</span></th></tr></thead>
			<tbody>${items.map((u) => html`<tr key=${u.id}><td class="cell-main">${u.name}</td><td data-label=${t('user.display')}>${u.display_name || '–'}</td><td data-label=${t('user.role')}>${word('role', u.role)}</td>
				<td class="cell-act"><button type="button" class="button small" onClick=${() => setEdit({ user: u })}>${t('edit')}</button>
					${u.name !== me.get().sub && html`<button type="button" class="button small" onClick=${() => remove(u)}>${t('remove')}</button>`}</td></tr>`)}</tbody></table></div>`}
		${edit && html`<${UserDialog} user=${edit.user} onClose=${() => setEdit(null)} onDone=${() => {
			setEdit(null);
			load();
		}} />`}`;
}
