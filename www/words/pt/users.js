// Users.
export const words = {
	'users.lead': 'Contas locais, para máquinas sem o início de sessão do Desk.',
	'user.new': 'Novo utilizador',
	'user.edit': 'Editar utilizador',
	'user.display': 'Nome',
	'user.role': 'Papel',
	'user.password.hint': 'Pelo menos 10 caracteres.',
	'user.password.keep': 'Deixe vazio para manter a atual.',
	'user.remove.confirm': 'Remover a conta {name}? As suas sessões terminam de imediato.',
	'user.removed': 'A conta foi removida.',
};
