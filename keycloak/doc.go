// Package keycloak reads the claims that Keycloak puts into its access tokens: realm
// roles, client roles and the preferred user name. Roles become a
// [verifier.Check], to be demanded like a scope:
//
//	auth.Require(keycloak.RealmRole("todo-admin"))
//	auth.Require(keycloak.ClientRole("todo-api", "reader", "writer"))
//
// A check is satisfied by any one of the roles that it names. To demand several at
// once, give Require several checks, or nest one Require in another.
//
// Keycloak writes only those roles into a token that the client's scope lets
// through: a user who has a role may hold a token without it. A role says who the
// user is; a scope says what the client may do for that user.
//
// Refusals of a check are plain errors, so that an adapter's Require answers 403
// and Config.Check 401. A member of the wrong type is another matter: such a token
// is refused as invalid, with kind [verifier.ErrClaim].
package keycloak
