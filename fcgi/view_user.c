#include "view.h"

#include <string.h>

#include "banned.h"

void view_user(struct writer *w, const char *key, const struct user *u)
{
	w_object(w, key);
	w_i64(w, "id", u->id);
	w_str(w, "name", u->name);
	w_str(w, "display_name", u->display_name);
	w_str(w, "role", role_name(u->role));
	w_str(w, "org", u->org);
	w_bool(w, "disabled", u->disabled);
	w_i64(w, "version", u->version);
	w_time(w, "created_at", u->created_at);
	w_time(w, "updated_at", u->updated_at);
	w_object_end(w);
}

void view_me(struct writer *w, const char *key, const struct principal *who, unsigned override_roles)
{
	const struct {
		const char *name;
		unsigned roles;
	} permissions[] = {
		{"jobs.manage", ROLES_T},
		{"gate.read", ROLES_G},
		{"gate.approve", ROLES_L},
		{"gate.override", override_roles},
		{"missing.accept", ROLES_L},
		{"dns.change", ROLES_L},
		{"audit.read", ROLES_L},
		{"users.manage", ROLES_S},
	};

	w_object(w, key);
	w_str(w, "sub", who->sub);
	w_str(w, "name", who->name);
	w_str(w, "role", role_name(who->role));
	w_str(w, "org", who->org);
	w_str(w, "iss", who->iss);
	w_array(w, "permissions");
	for (size_t i = 0; i < sizeof(permissions) / sizeof(permissions[0]); i++)
		if (permissions[i].roles & (1u << who->role))
			w_str(w, NULL, permissions[i].name);
	w_array_end(w);
	w_bool(w, "local", who->local);
	w_object_end(w);
}
