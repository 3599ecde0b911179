//go:build soak

package main

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
)

// soakKey is a key of the issuer with the fate of the tokens under it.
type soakKey struct {
	key   *issuertest.Key
	token string // a good one

	// Guarded by the issuer's mu:

	published     soakTime
	withdrawn     soakTime // 0: it is not
	firstAsked    soakTime // 0: no token was sent yet
	firstAccepted soakTime // 0: none was accepted yet
	lastAccepted  soakTime
	before        map[int]int    // refusals before the first acceptance, by status
	betrayed      []soakAnswered // after it, while the key was published
}

// soakAnswered is an answer to a good token.
type soakAnswered struct {
	Asked    soakTime `json:"asked"`
	Answered soakTime `json:"answered"`
	Status   int      `json:"status"`
}

func newSoakKey(key *issuertest.Key) *soakKey {
	token := key.Token(issuertest.Claims{"aud": "todo-api", "scope": scopeRead, "exp": time.Now().Add(time.Hour)})
	return &soakKey{key: key, token: token, before: map[int]int{}}
}

// forged returns a token with this key's kid, whose signature is another each time.
func (k *soakKey) forged(n uint64) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	dot := strings.LastIndexByte(k.token, '.')
	signature := []byte(k.token[dot+1:])
	for at := range 8 { // the first 48 bits of it
		signature[at] = alphabet[n>>(6*at)&63]
	}
	return k.token[:dot+1] + string(signature)
}

// note writes down the answer to a good token under the key. The issuer's mu is held.
func (k *soakKey) note(asked, answered soakTime, status int) {
	if k.firstAsked == 0 || asked < k.firstAsked {
		k.firstAsked = asked
	}
	switch {
	case status == http.StatusOK:
		if k.firstAccepted == 0 {
			k.firstAccepted = answered
		}
		k.lastAccepted = max(k.lastAccepted, answered)
	case k.firstAccepted == 0 || asked <= k.firstAccepted:
		k.before[status]++
	case k.withdrawn == 0 || answered < k.withdrawn:
		k.betrayed = append(k.betrayed, soakAnswered{asked, answered, status})
	}
}

// soakTokens is what may be sent at a moment.
type soakTokens struct {
	newest    *soakKey
	published []*soakKey // but the newest, unless there is no other
	withdrawn []*soakKey // of late
}

// tokens returns what may be sent now.
func (i *soakIssuer) tokens() soakTokens {
	i.mu.Lock()
	defer i.mu.Unlock()
	now, last := i.now(), len(i.keys)-1
	t := soakTokens{newest: i.keys[last]}
	for _, k := range i.keys[:last] {
		switch {
		case k.withdrawn == 0:
			t.published = append(t.published, k)
		case now-k.withdrawn < soakTime(sentAfter):
			t.withdrawn = append(t.withdrawn, k)
		}
	}
	if len(t.published) == 0 {
		t.published = i.keys[last:]
	}
	t.published = slices.Clone(t.published)
	return t
}
