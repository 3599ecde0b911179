package verifier

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// Hint is a likely cause of a refusal. Claims that nobody verified take part in the
// choice, so it is a guess, and its texts contain nothing of the token.
type Hint struct {
	// Cause is a short name in snake case, such as "audience_mapper", or "" for no hint.
	// Names are stable.
	Cause string `json:"cause"`
	// Advice says what is probably wrong, and what to do.
	Advice string `json:"advice"`
}

// hints lists the known causes. The first that applies is the hint, so that the
// particular ones stand before the general ones. One that reads the header or the
// claims goes by the step: a source of keys, or resolve, may return an error of any kind
// before they are read.
var hints = [...]struct {
	cause   string
	applies func(*explanation) bool
	advice  string
}{
	// What was sent is no access token.
	{
		"stray_characters", (*explanation).hasStrayCharacters,
		"There are quotes, white space or the word Bearer around the token. Send the token alone.",
	},
	{
		"opaque_token", func(x *explanation) bool { return x.isNoJWT(0) },
		"This is no JWT. The issuer may give opaque access tokens: have it issue JWTs for this API, often by naming the API's audience in the token request.",
	},
	{
		"encrypted_token", func(x *explanation) bool { return x.isNoJWT(4) },
		"This is an encrypted token (JWE). Have the issuer sign access tokens for this API and not encrypt them.",
	},
	{
		"cut_token", func(x *explanation) bool { return x.isNoJWT(1) || x.step == StepEncoding },
		"The token is not whole. It was cut while it was copied, or by a limit of a cookie, a field or a terminal's line. Send it whole.",
	},
	{
		"refresh_token", func(x *explanation) bool { return x.hasType("Refresh", "Offline") },
		"This is a refresh token, which is for the issuer's token endpoint alone. Send the access_token of the token response.",
	},
	{
		"logout_token", (*explanation).isLogoutToken,
		"This is a logout or security event token, not a credential. Send the access_token of the token response.",
	},
	{
		"id_token", (*explanation).isIDToken,
		"This looks like an ID token, which tells the client who logged in. Send the access_token of the token response, not the id_token.",
	},
	{
		"bound_token", func(x *explanation) bool { return x.kind == ErrBinding },
		"The token is bound to its client's key (DPoP or mutual TLS), and was sent as a plain Bearer token. Have the issuer give this client unbound tokens, as long as nothing here checks the binding.",
	},
	// It is of another issuer, or of ours under another name.
	{
		"issuer_slash", func(x *explanation) bool { return x.issuerDiffers(onlyInSlash) },
		"The issuers differ in a slash at the end. Write Config.Issuer exactly as iss has it.",
	},
	{
		"issuer_scheme", func(x *explanation) bool { return x.issuerDiffers(onlyInScheme) },
		"The issuers differ in http and https. Behind a proxy that ends TLS, the issuer must know its public URL (Keycloak: KC_HOSTNAME, or KC_PROXY_HEADERS).",
	},
	{
		"issuer_address", func(x *explanation) bool { return x.issuerDiffers(onlyInAddress) },
		"The token names its issuer at another address, as where a browser and a container reach it under different names. Give the issuer one public URL (Keycloak: KC_HOSTNAME), set Config.Issuer to it, and fetch the keys from the inner address with jwks.NewRemote.",
	},
	{
		"wrong_realm", func(x *explanation) bool { return x.issuerDiffers(onlyInRealm) },
		"The token is of another realm of the same server. Log in to the realm that Config.Issuer names, or correct Config.Issuer.",
	},
	{
		"unknown_issuer", func(x *explanation) bool { return x.kind == ErrIssuer && x.step == StepRouting },
		"No verifier is configured for the token's issuer. Compare iss with the configured issuers byte for byte.",
	},
	{
		"other_issuer", func(x *explanation) bool { return x.issuerDiffers(anyhow) },
		"The token is of another issuer. Get one from the issuer that Config.Issuer names, or correct Config.Issuer.",
	},
	// The algorithm.
	{
		"unsigned_token", func(x *explanation) bool { return x.step == StepAlgorithm && strings.EqualFold(x.header.Name, "none") },
		"The token has no signature. No setting accepts it.",
	},
	{
		"shared_secret", func(x *explanation) bool { return x.step == StepAlgorithm && strings.HasPrefix(x.header.Name, "HS") },
		"The token is signed with a shared secret, which an API must not have. It may be a refresh token; or set this API's signing algorithm at the issuer to RS256 or ES256.",
	},
	{
		"other_algorithm", func(x *explanation) bool { return x.step == StepAlgorithm },
		"The token is signed with an algorithm that Config.Algorithms does not list. Add it if the issuer publishes keys for it, or change the issuer's.",
	},
	{
		"other_type", func(x *explanation) bool { return x.kind == ErrType && x.step == StepType },
		"The header's typ is that of no access token. Send the access_token of the token response; if the issuer does write this typ, add it to Config.TokenTypes.",
	},
	// The keys.
	{
		"issuer_metadata", func(x *explanation) bool {
			return x.kind == ErrKeysUnavailable && x.keySet != nil && x.keySet.OtherIssuer
		},
		"The issuer's discovery document names another issuer than Config.Issuer. Use the name that it has there; where that address cannot be reached from here, fetch the keys with jwks.NewRemote.",
	},
	{
		"keys_unreachable", func(x *explanation) bool { return x.kind == ErrKeysUnavailable },
		"The issuer's keys cannot be had now. Check its address, name resolution, TLS and proxy from this very host or container; the key set's last error says more.",
	},
	{
		"key_unusable", func(x *explanation) bool {
			return x.kind == ErrUnknownKey && x.keySet != nil && x.keySet.SkippedBecause != ""
		},
		"The issuer publishes the token's key, and it is not fit to verify signatures. The key set says why; replace the key at the issuer.",
	},
	{
		"algorithm_key_missing", (*explanation).lacksAlgorithmKey,
		"The issuer publishes no key for the token's alg. Add one at the issuer (for RS256 in Keycloak: Realm settings, Keys, Add provider, rsa-generated), or check that the keys are this issuer's.",
	},
	{
		"key_algorithm", func(x *explanation) bool { return x.kind == ErrUnknownKey && x.offered > 0 && x.fit == 0 },
		"The key states no alg, and is used with the first of Config.Algorithms that fits it. Put the token's alg first, or have the issuer publish the key's alg.",
	},
	{
		"key_not_looked_up", func(x *explanation) bool {
			return x.kind == ErrUnknownKey && x.keySet != nil && x.keySet.LookUp == LookUpRefused
		},
		"The token's key is not known, and was not looked up, because too many unknown keys were asked for. If it was published just now, try again in ten seconds.",
	},
	{
		"key_rotated", func(x *explanation) bool { return x.kind == ErrUnknownKey },
		"The issuer does not publish the token's key. It was rotated away, or it is another issuer's or realm's: get a new token, and compare the kids.",
	},
	{
		"signature", func(x *explanation) bool { return x.kind == ErrSignature },
		"The token was changed after it was signed, or cut while it was copied; or the issuer has a new key under an old kid, as one that was set up anew may have. Get a new token.",
	},
	// The times.
	{
		"clock_skew", (*explanation).hasClockSkew,
		"The clocks of this host and of the issuer differ by more than Config.Leeway. Set both by NTP; do not raise the leeway for it.",
	},
	{
		"not_yet_valid", func(x *explanation) bool { return x.kind == ErrNotYetValid },
		"The token is not valid before a later time (nbf). Use it then.",
	},
	{
		"expired", func(x *explanation) bool { return x.kind == ErrExpired },
		"The token's time is over. The client must get a new one before exp; Keycloak's live for five minutes by default. If it was issued just now, compare the clocks of this host and the issuer.",
	},
	// The audience.
	{
		"audience_mapper", (*explanation).lacksAudienceMapper,
		"Keycloak writes this API into aud only where it is told to. Add a mapper of type Audience to the client, or to a client scope of it (if there is one, and the client gets lightweight tokens, turn on Add to lightweight access token), and get a new token.",
	},
	{
		"audience_absent", func(x *explanation) bool { return x.step == StepAudience && len(x.claims.audience) == 0 },
		"The token names no audience. Have the client ask for this API (audience, or resource of RFC 8707), or configure it at the issuer.",
	},
	{
		"other_audience", func(x *explanation) bool { return x.step == StepAudience },
		"The token is for another service. Have the client get one for this API, or correct Config.Audience if it is named otherwise there. In Keycloak a mapper of type Audience names this API.",
	},
}

// hint returns the first hint that applies.
func (x *explanation) hint() Hint {
	if x.err == nil || x.step == "" || x.step == StepCheck {
		return Hint{}
	}
	for _, h := range hints {
		if h.applies(x) {
			return Hint{h.cause, h.advice}
		}
	}
	return Hint{}
}

// hasStrayCharacters is about what people paste.
func (x *explanation) hasStrayCharacters() bool {
	return x.kind == ErrMalformed && strings.ContainsAny(x.raw, " \t\r\n\"'")
}

// isNoJWT says that the text has as many dots as something else than a JWT has.
func (x *explanation) isNoJWT(dots int) bool {
	readable := x.step == StepForm || x.step == StepRouting && len(x.raw) <= x.by.maxTokenBytes
	return readable && x.kind == ErrMalformed && x.dots() == dots
}

func (x *explanation) hasType(types ...string) bool {
	c := x.anyClaims()
	return c != nil && slices.ContainsFunc(types, func(typ string) bool { return strings.EqualFold(typ, c.typ) })
}

func (x *explanation) isLogoutToken() bool {
	c := x.anyClaims()
	return x.hasType("Logout") || c != nil && c.events
}

// isIDToken goes by what Keycloak and OpenID Connect write into ID tokens, and, where
// neither is there, by an audience that is the client itself.
func (x *explanation) isIDToken() bool {
	c := x.anyClaims()
	if c == nil || x.by.acceptIDTokens {
		return false
	}
	if x.kind == ErrAudience && c.typ == "" && c.party != "" && slices.Equal(c.audience, []string{c.party}) {
		return true
	}
	return x.hasType("ID") || c.tokenHash
}

// lacksAlgorithmKey says that there are keys, and none for the algorithm.
func (x *explanation) lacksAlgorithmKey() bool {
	return x.kind == ErrUnknownKey && x.keySet != nil && x.keySet.Keys > 0 && x.keySet.KeysForAlgorithm == 0
}

// hasClockSkew says that a token came too early, or that it would be good by the
// issuer's clock.
func (x *explanation) hasClockSkew() bool {
	if x.step != StepTimes || x.kind == ErrClaim {
		return false
	}
	leeway := x.by.leeway
	if x.kind == ErrNotYetValid && x.now.Add(leeway).Before(x.claims.issued) {
		return true // nobody issues tokens in the future
	}
	if x.keySet == nil || x.keySet.ClockSeconds == nil {
		return false
	}
	theirs := x.now.Add(time.Duration(*x.keySet.ClockSeconds) * time.Second)
	if x.kind == ErrNotYetValid {
		return !theirs.Add(leeway).Before(x.claims.notBefore)
	}
	return theirs.Before(x.claims.expires.Add(leeway))
}

// lacksAudienceMapper says that Keycloak named no API, or only those of its own that it
// adds for their roles.
func (x *explanation) lacksAudienceMapper() bool {
	if x.step != StepAudience || !strings.Contains(x.claims.issuer, "/realms/") {
		return false
	}
	return !slices.ContainsFunc(x.claims.audience, func(audience string) bool {
		return audience != "account" && audience != "broker" && audience != "realm-management"
	})
}

// difference is a way in which two issuers differ.
type difference func(theirs, ours *url.URL) bool

// issuerDiffers says that the token was refused at a step that another issuer's
// token fails at, and that its issuer differs from ours in that way.
func (x *explanation) issuerDiffers(so difference) bool {
	c := x.anyClaims()
	if c == nil || c.issuer == "" || x.by.router != nil || c.issuer == x.by.issuer {
		return false
	}
	if x.kind != ErrIssuer && x.kind != ErrUnknownKey && x.kind != ErrSignature {
		return false
	}
	theirs, err := url.Parse(c.issuer)
	if err != nil {
		theirs = &url.URL{Opaque: c.issuer}
	}
	ours, err := url.Parse(x.by.issuer)
	if err != nil {
		ours = &url.URL{Opaque: x.by.issuer}
	}
	return so(theirs, ours)
}

func onlyInSlash(theirs, ours *url.URL) bool {
	return strings.TrimSuffix(theirs.String(), "/") == strings.TrimSuffix(ours.String(), "/")
}

func onlyInScheme(theirs, ours *url.URL) bool {
	return theirs.Host != "" && theirs.Host == ours.Host && theirs.Path == ours.Path && theirs.Scheme != ours.Scheme
}

// onlyInAddress takes the path for what identifies an issuer: a service with another
// address and no path is another service.
func onlyInAddress(theirs, ours *url.URL) bool {
	return theirs.Host != "" && ours.Host != "" && theirs.Host != ours.Host &&
		theirs.Path == ours.Path && (strings.Trim(ours.Path, "/") != "" || isInner(theirs) != isInner(ours))
}

// isInner says that a host is named as in a container network or on a developer's own
// machine.
func isInner(u *url.URL) bool {
	host := u.Hostname()
	return !strings.Contains(host, ".") || strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "10.") || strings.HasPrefix(host, "192.168.")
}

func onlyInRealm(theirs, ours *url.URL) bool {
	theirBase, _, theyHave := strings.Cut(theirs.String(), "/realms/")
	ourBase, _, weHave := strings.Cut(ours.String(), "/realms/")
	return theyHave && weHave && theirBase == ourBase
}

func anyhow(*url.URL, *url.URL) bool { return true }
