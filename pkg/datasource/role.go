package datasource

import (
	"fmt"
	"slices"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

// role is a user's role in a Grafana organisation.
type role string

const (
	roleViewer role = "Viewer"
	roleEditor role = "Editor"
	roleAdmin  role = "Admin"
)

// rolesByPower begins with the least. A role that is not listed, such as None, has no power at all.
var rolesByPower = []role{roleViewer, roleEditor, roleAdmin}

func (r role) atLeast(needed role) bool {
	return slices.Index(rolesByPower, r) >= slices.Index(rolesByPower, needed)
}

func parseMinRole(r role) (role, error) {
	if r != roleEditor && r != roleAdmin {
		return "", fmt.Errorf("%q is not possible: choose %s or %s", r, roleEditor, roleAdmin)
	}
	return r, nil
}

// actorOf is how a user is named in audit trails. Anonymous users, whom an administrator may give any role, have no
// login.
func actorOf(user *backend.User) string {
	for _, name := range []string{user.Login, user.Email, user.Name} {
		if name != "" {
			return name
		}
	}
	return "anonymous"
}
