// Users.
export const words = {
	'users.lead': 'Local accounts, for machines without Desk\'s sign-in.',
	'user.new': 'New user',
	'user.edit': 'Edit user',
	'user.display': 'Name',
	'user.role': 'Role',
	'user.password.hint': 'At least 10 characters.',
	'user.password.keep': 'Leave empty to keep the present one.',
	'user.remove.confirm': 'Remove the account {name}? Its sessions end at once.',
	'user.removed': 'The account is removed.',
};
