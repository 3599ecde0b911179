package devissuer_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/examples/todo/internal/devissuer"
)

const codeVerifier = "a-verifier-of-at-least-forty-three-characters-0123456789"

func authorizeQuery(change url.Values) url.Values {
	sum := sha256.Sum256([]byte(codeVerifier))
	query := url.Values{
		"client_id":             {"todo-web"},
		"response_type":         {"code"},
		"redirect_uri":          {redirect},
		"scope":                 {"openid profile email offline_access todos:read todos:write"},
		"state":                 {"the-state"},
		"nonce":                 {"the-nonce"},
		"code_challenge":        {base64.RawURLEncoding.EncodeToString(sum[:])},
		"code_challenge_method": {"S256"},
	}
	maps.Copy(query, change)
	return query
}

var hiddenID = regexp.MustCompile(`<input type="hidden" name="id" value="([^"]*)">`)

// openLogin asks for authorization and returns the page that the browser ends on and its request id.
func openLogin(t *testing.T, client *http.Client, at string, change url.Values) (page, id string) {
	t.Helper()
	answer, page := do(t, client, request(t, "GET", at+"/authorize?"+authorizeQuery(change).Encode(), ""))
	found := hiddenID.FindStringSubmatch(page)
	if answer.StatusCode != http.StatusOK || found == nil {
		t.Fatalf("no login page: status %d, location %q\n%s", answer.StatusCode, answer.Header.Get("Location"), page)
	}
	return page, html.UnescapeString(found[1])
}

// press presses the button of name and returns where the browser is sent, outside of the issuer.
func press(t *testing.T, client *http.Client, at, id, name string) *url.URL {
	t.Helper()
	answer, body := do(t, client, request(t, "POST", at+"/login", url.Values{"id": {id}, "user": {name}}.Encode()))
	if answer.StatusCode != http.StatusFound {
		t.Fatalf("status %d\n%s", answer.StatusCode, body)
	}
	location, err := answer.Location()
	if err != nil {
		t.Fatal(err)
	}
	return location
}

func codeForm(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"todo-web"}, "code": {code}, "redirect_uri": {redirect},
		"code_verifier": {codeVerifier},
	}
}

func getCode(t *testing.T, client *http.Client, name string, change url.Values) string {
	t.Helper()
	_, id := openLogin(t, client, issuerURL, change)
	return press(t, client, issuerURL, id, name).Query().Get("code")
}

func logIn(t *testing.T, client *http.Client, name string, change url.Values) tokenAnswer {
	t.Helper()
	status, tokens := askToken(t, client, "", "", codeForm(getCode(t, client, name, change)))
	if status != http.StatusOK {
		t.Fatalf("status %d, error %q", status, tokens.Error)
	}
	return tokens
}

func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "client_id": {"todo-web"}, "refresh_token": {token}}
}

func refresh(t *testing.T, client *http.Client, token string) tokenAnswer {
	t.Helper()
	status, tokens := askToken(t, client, "", "", refreshForm(token))
	if status != http.StatusOK {
		t.Fatalf("status %d, error %q", status, tokens.Error)
	}
	return tokens
}

// The whole road of a browser, over TCP.
func TestCodeFlowOverTheNetwork(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := "http://" + listener.Addr().String() + "/dev-issuer"
	issuer, _ := start(t, devissuer.Options{Issuer: at})
	server := &http.Server{Handler: issuer, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	defer func() { _ = server.Close(); <-served }()

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), redirect) {
			return http.ErrUseLastResponse
		}
		return nil
	}}

	_, id := openLogin(t, browser, at, nil)
	landed := press(t, browser, at, id, "alice")
	if got := landed.Scheme + "://" + landed.Host + landed.Path; got != redirect {
		t.Fatalf("landed on %s", got)
	}
	if landed.Query().Get("state") != "the-state" {
		t.Errorf("state %q", landed.Query().Get("state"))
	}
	_, body := do(t, browser, request(t, "POST", at+"/oauth/token", codeForm(landed.Query().Get("code")).Encode()))
	tokens := decode[tokenAnswer](t, body)
	_, body = do(t, browser, request(t, "GET", at+"/keys", ""))
	keys := decode[keySet](t, body)
	machine := request(t, "POST", at+"/oauth/token", "grant_type=client_credentials")
	machine.SetBasicAuth("alice", "alice")
	_, body = do(t, browser, machine)

	_, user := verified(t, tokens.AccessToken, keys)
	_, client := verified(t, decode[tokenAnswer](t, body).AccessToken, keys)
	if user["sub"] != client["sub"] {
		t.Errorf("alice's page has sub %v, her client %v", user["sub"], client["sub"])
	}
	if user["iss"] != at {
		t.Errorf("iss %v", user["iss"])
	}
}

func TestTokensOfTheCodeFlow(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	tokens := logIn(t, client, "bob", nil)
	keys := fetchKeys(t, client)

	_, access := verified(t, tokens.AccessToken, keys)
	_, machine := verified(t, machineToken(t, client, "bob"), keys)
	if access["sub"] != machine["sub"] {
		t.Errorf("sub %v, of the client %v", access["sub"], machine["sub"])
	}
	for _, name := range []string{"typ", "at_hash", "c_hash", "nonce", "cnf"} {
		if _, ok := access[name]; ok {
			t.Errorf("the access token has %s", name)
		}
	}
	all := "openid profile email offline_access todos:read todos:write"
	if access["scope"] != all || tokens.Scope != all || access["client_id"] != "todo-web" || access["preferred_username"] != "bob" {
		t.Errorf("access token %v, scope %q", access, tokens.Scope)
	}
	if aud := access["aud"]; !reflect.DeepEqual(aud, []any{"todo-api"}) {
		t.Errorf("aud %v", aud)
	}

	_, id := verified(t, tokens.IDToken, keys)
	if id["sub"] != access["sub"] || id["nonce"] != "the-nonce" || id["azp"] != "todo-web" || id["preferred_username"] != "bob" {
		t.Errorf("ID token %v", id)
	}
	if aud, ok := id["aud"].([]any); !ok || !slices.Contains(aud, any("todo-web")) {
		t.Errorf("aud of the ID token %v", id["aud"])
	}
	if hash, ok := id["at_hash"].(string); !ok || hash == "" {
		t.Error("the ID token has no at_hash, by which an API tells it from an access token")
	}

	info := request(t, "GET", issuerURL+"/userinfo", "")
	info.Header.Set("Authorization", "Bearer "+tokens.AccessToken)
	_, body := do(t, client, info)
	want := map[string]any{
		"sub": access["sub"], "name": "Bob Example", "preferred_username": "bob", "email": "bob@example.com", "email_verified": true,
	}
	if got := decode[map[string]any](t, body); !reflect.DeepEqual(got, want) {
		t.Errorf("user info %v", got)
	}
}

func TestUserInfoRefuses(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	tokens := logIn(t, client, "alice", nil)
	for name, c := range map[string]struct {
		token string
		want  int
	}{
		"no token":                 {"", 401},
		"an ID token":              {tokens.IDToken, 403},
		"a token without openid":   {machineToken(t, client, "alice"), 403},
		"a token that was changed": {tokens.AccessToken[:len(tokens.AccessToken)-8] + "AAAAAAAA", 401},
	} {
		r := request(t, "GET", issuerURL+"/userinfo", "")
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		if answer, body := do(t, client, r); answer.StatusCode != c.want || strings.Contains(body, "Example") {
			t.Errorf("%s: status %d, want %d", name, answer.StatusCode, c.want)
		}
	}
}

func TestCodesAreForTheirVerifierAndForOnce(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	change := func(name, value string) func(url.Values) { return func(f url.Values) { f.Set(name, value) } }
	for name, spoil := range map[string]func(url.Values){
		"a wrong verifier":       change("code_verifier", strings.Repeat("x", 43)),
		"no verifier":            func(f url.Values) { f.Del("code_verifier") },
		"another redirect URI":   change("redirect_uri", redirect+"/other"),
		"another client":         change("client_id", "alice"),
		"a client that is wrong": change("client_id", "mallory"),
	} {
		t.Run(name, func(t *testing.T) {
			code := getCode(t, client, "alice", nil)
			spoilt := codeForm(code)
			spoil(spoilt)
			if status, tokens := askToken(t, client, "", "", spoilt); status == http.StatusOK || tokens.AccessToken != "" {
				t.Fatalf("status %d", status)
			}
			if status, tokens := askToken(t, client, "", "", codeForm(code)); status != http.StatusBadRequest || tokens.Error != "invalid_grant" {
				t.Errorf("the code survived: status %d, error %q", status, tokens.Error)
			}
		})
	}

	code := getCode(t, client, "alice", nil)
	if status, _ := askToken(t, client, "", "", codeForm(code)); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	if status, tokens := askToken(t, client, "", "", codeForm(code)); status != http.StatusBadRequest || tokens.Error != "invalid_grant" {
		t.Errorf("second use: status %d, error %q", status, tokens.Error)
	}
}

func TestRefreshTokensAreForOnce(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	first := logIn(t, client, "alice", nil)
	second := refresh(t, client, first.RefreshToken)
	if second.RefreshToken == "" || second.RefreshToken == first.RefreshToken {
		t.Fatal("the refresh token was not replaced")
	}
	keys := fetchKeys(t, client)
	_, before := verified(t, first.AccessToken, keys)
	_, after := verified(t, second.AccessToken, keys)
	if before["sub"] != after["sub"] || before["jti"] == after["jti"] || after["scope"] != before["scope"] {
		t.Errorf("before %v, after %v", before, after)
	}
	if status, tokens := askToken(t, client, "", "", refreshForm(first.RefreshToken)); status != http.StatusBadRequest || tokens.Error != "invalid_grant" {
		t.Errorf("second use: status %d, error %q", status, tokens.Error)
	}

	narrow := refreshForm(second.RefreshToken)
	narrow.Set("scope", "openid todos:read")
	status, third := askToken(t, client, "", "", narrow)
	if status != http.StatusOK || third.Scope != "openid todos:read" {
		t.Fatalf("narrowed: status %d, scope %q", status, third.Scope)
	}
	if _, claims := verified(t, third.AccessToken, keys); claims["scope"] != "openid todos:read" {
		t.Errorf("narrowed: claim %v", claims["scope"])
	}
	fourth := refresh(t, client, third.RefreshToken)
	if fourth.Scope != first.Scope {
		t.Errorf("scope after a narrowed refresh: %q", fourth.Scope)
	}
	// A scope that is named a thousand times would be kept a thousand times.
	repeated := refreshForm(fourth.RefreshToken)
	repeated.Set("scope", "todos:read "+strings.Repeat("openid ", 1000)+"todos:read")
	if status, fifth := askToken(t, client, "", "", repeated); status != http.StatusOK || fifth.Scope != "openid todos:read" {
		t.Errorf("narrowed by repeated scopes: status %d, scope of %d bytes", status, len(fifth.Scope))
	}
}

func TestWithoutOfflineAccessThereIsNoRefreshToken(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	tokens := logIn(t, client, "alice", url.Values{"scope": {"openid todos:read unknown"}})
	if tokens.RefreshToken != "" || tokens.Scope != "openid todos:read" {
		t.Errorf("refresh token %t, scope %q", tokens.RefreshToken != "", tokens.Scope)
	}
}

func TestRevokedRefreshTokensAreRefused(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	tokens := logIn(t, client, "alice", nil)
	foreign := request(t, "POST", issuerURL+"/revoke", url.Values{"token": {tokens.RefreshToken}}.Encode())
	foreign.SetBasicAuth("bob", "bob")
	do(t, client, foreign)
	tokens = refresh(t, client, tokens.RefreshToken) // another client revoked nothing

	form := url.Values{"token": {tokens.RefreshToken}, "client_id": {"todo-web"}}.Encode()
	if answer, _ := do(t, client, request(t, "POST", issuerURL+"/revoke", form)); answer.StatusCode != http.StatusOK {
		t.Fatalf("status %d", answer.StatusCode)
	}
	if status, _ := askToken(t, client, "", "", refreshForm(tokens.RefreshToken)); status != http.StatusBadRequest {
		t.Errorf("refresh: status %d", status)
	}
}

func TestRevokedAccessTokensGetNoUserInfo(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	tokens := logIn(t, client, "alice", nil)
	userInfo := func() int {
		r := request(t, "GET", issuerURL+"/userinfo", "")
		r.Header.Set("Authorization", "Bearer "+tokens.AccessToken)
		answer, _ := do(t, client, r)
		return answer.StatusCode
	}
	foreign := request(t, "POST", issuerURL+"/revoke", url.Values{"token": {tokens.AccessToken}}.Encode())
	foreign.SetBasicAuth("bob", "bob")
	do(t, client, foreign)
	if status := userInfo(); status != http.StatusOK {
		t.Errorf("after another client's attempt: status %d", status)
	}
	form := url.Values{"token": {tokens.AccessToken}, "client_id": {"todo-web"}}.Encode()
	do(t, client, request(t, "POST", issuerURL+"/revoke", form))
	if status := userInfo(); status != http.StatusForbidden {
		t.Errorf("after the revocation: status %d", status)
	}
}

func TestLogoutEndsTheSessionAndReturnsToThePageOnly(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	tokens := logIn(t, client, "alice", nil)
	logout := func(back string) *http.Response {
		query := url.Values{"id_token_hint": {tokens.IDToken}, "post_logout_redirect_uri": {back}}
		answer, _ := do(t, client, request(t, "GET", issuerURL+"/end_session?"+query.Encode(), ""))
		return answer
	}
	if answer := logout("https://evil.example/"); answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
		t.Errorf("status %d, location %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if answer := logout(pageURL + "/"); answer.StatusCode != http.StatusFound || answer.Header.Get("Location") != pageURL+"/" {
		t.Errorf("status %d, location %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if status, _ := askToken(t, client, "", "", refreshForm(tokens.RefreshToken)); status != http.StatusBadRequest {
		t.Errorf("refresh after logout: status %d", status)
	}
	answer, body := do(t, client, request(t, "GET", issuerURL+"/end_session", ""))
	if answer.StatusCode != http.StatusOK || !strings.Contains(body, "Logged out") {
		t.Errorf("without a place to return to: status %d\n%s", answer.StatusCode, body)
	}
}

func TestALogoutThatIsTooLongIsRefused(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	form := url.Values{"id_token_hint": {strings.Repeat("x", 9<<10)}}
	if answer, _ := do(t, client, request(t, "POST", issuerURL+"/end_session", form.Encode())); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", answer.StatusCode)
	}
}

func TestLogoutEndsLoginsThatAreUnderWay(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	tokens := logIn(t, client, "alice", nil)
	code, others := getCode(t, client, "alice", nil), getCode(t, client, "bob", nil)
	_, id := openLogin(t, client, issuerURL, nil)
	still := &http.Client{Transport: client.Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	login, _ := do(t, still, request(t, "POST", issuerURL+"/login", url.Values{"id": {id}, "user": {"alice"}}.Encode()))
	do(t, client, request(t, "GET", issuerURL+"/end_session?"+url.Values{"id_token_hint": {tokens.IDToken}}.Encode(), ""))

	if status, answer := askToken(t, client, "", "", codeForm(code)); status != http.StatusBadRequest || answer.Error != "invalid_grant" {
		t.Errorf("alice's code: status %d, error %q", status, answer.Error)
	}
	if answer, _ := do(t, still, request(t, "GET", login.Header.Get("Location"), "")); login.StatusCode != http.StatusSeeOther || answer.StatusCode != http.StatusBadRequest {
		t.Errorf("alice's callback: status %d, after the login's %d", answer.StatusCode, login.StatusCode)
	}
	if status, _ := askToken(t, client, "", "", codeForm(others)); status != http.StatusOK {
		t.Errorf("bob's code: status %d", status)
	}
}

func TestUnknownClientsAndRedirectsAreRefusedWithoutARedirect(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	for name, change := range map[string]url.Values{
		"an unknown client":            {"client_id": {"mallory"}},
		"a client without a page":      {"client_id": {"alice"}},
		"no client":                    {"client_id": {""}},
		"a redirect to another site":   {"redirect_uri": {"https://evil.example/callback"}},
		"a redirect with a suffix":     {"redirect_uri": {redirect + "/../evil"}},
		"a redirect with a query":      {"redirect_uri": {redirect + "?x=y"}},
		"a redirect to another port":   {"redirect_uri": {"http://localhost:5174/callback"}},
		"a redirect with another case": {"redirect_uri": {"http://LOCALHOST:5173/callback"}},
		"a script as redirect":         {"redirect_uri": {"javascript:alert(1)"}},
		"no redirect":                  {"redirect_uri": {""}},
	} {
		answer, body := do(t, client, request(t, "GET", issuerURL+"/authorize?"+authorizeQuery(change).Encode(), ""))
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
			t.Errorf("%s: status %d, location %q", name, answer.StatusCode, answer.Header.Get("Location"))
		}
		if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") || hiddenID.MatchString(body) {
			t.Errorf("%s: a page was shown", name)
		}
	}
}

func TestFaultsOfAKnownClientAreToldToIt(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	for name, c := range map[string]struct {
		change url.Values
		want   string
	}{
		"no PKCE":                   {url.Values{"code_challenge": {""}, "code_challenge_method": {""}}, "invalid_request"},
		"plain PKCE":                {url.Values{"code_challenge_method": {"plain"}}, "invalid_request"},
		"PKCE without a method":     {url.Values{"code_challenge_method": {""}}, "invalid_request"},
		"a login without a page":    {url.Values{"prompt": {"none"}}, "login_required"},
		"the implicit flow":         {url.Values{"response_type": {"id_token token"}}, "unauthorized_client"},
		"unknown scopes":            {url.Values{"scope": {"admin"}}, "invalid_scope"},
		"a request object":          {url.Values{"request": {"a.b.c"}}, "request_not_supported"},
		"an ID token of who knows?": {url.Values{"id_token_hint": {"a.b.c"}}, "login_required"},
	} {
		answer, body := do(t, client, request(t, "GET", issuerURL+"/authorize?"+authorizeQuery(c.change).Encode(), ""))
		location, err := answer.Location()
		if err != nil {
			t.Errorf("%s: status %d without a location: %s", name, answer.StatusCode, body)
			continue
		}
		values := location.Query()
		if location.Fragment != "" {
			values, _ = url.ParseQuery(location.Fragment)
		}
		if !strings.HasPrefix(location.String(), redirect) || values.Get("error") != c.want || values.Get("state") != "the-state" || values.Has("code") {
			t.Errorf("%s: sent to %s", name, location)
		}
	}
}

func TestLoginPageSaysWhatItIs(t *testing.T) {
	_, client := start(t, devissuer.Options{WebClientID: `<b>"web"</b>`})
	page, id := openLogin(t, client, issuerURL, url.Values{"client_id": {`<b>"web"</b>`}, "state": {"<script>"}, "login_hint": {"<script>"}})
	for _, want := range []string{
		`<html lang="en">`, "<main>", "<h1>Log in</h1>", "development issuer", "no passwords",
		`<button type="submit" name="user" value="alice" autofocus>Log in as Alice Example</button>`,
		`<button type="submit" name="user" value="bob">Log in as Bob Example</button>`,
		`action="/dev-issuer/login"`, "&lt;b&gt;",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page misses %s", want)
		}
	}
	if strings.Contains(page, "<b>") || strings.Contains(page, "<script") {
		t.Errorf("the page is not escaped:\n%s", page)
	}

	answer, _ := do(t, client, request(t, "GET", issuerURL+"/login?id="+id, ""))
	policy := answer.Header.Get("Content-Security-Policy")
	style := strings.Split(strings.Split(page, "<style>")[1], "</style>")[0]
	sum := sha256.Sum256([]byte(style))
	for _, want := range []string{
		"default-src 'none'", "frame-ancestors 'none'", "form-action 'self' " + pageURL + ";",
		"style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
	} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q misses %s", policy, want)
		}
	}
	if answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", answer.Header)
	}
}

// Chromium takes no address in brackets for a source, and complains about each.
func TestTheLoginPagesPolicyDoesNotNameItsOwnOrigin(t *testing.T) {
	const at = "http://[::1]:8080/dev-issuer"
	_, client := start(t, devissuer.Options{Issuer: at, WebRedirects: []string{"http://[::1]:8080/", "http://[::1]:80/"}})
	for back, want := range map[string]string{
		"http://[::1]:8080/": "form-action 'self';",
		"http://[::1]:80/":   "form-action 'self' http://[::1]:80;",
	} {
		_, id := openLogin(t, client, at, url.Values{"redirect_uri": {back}})
		answer, _ := do(t, client, request(t, "GET", at+"/login?id="+id, ""))
		if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, want) {
			t.Errorf("back to %s: policy %q, want %q in it", back, policy, want)
		}
	}
}

// A page elsewhere makes a thousand requests unseen, and the issuer remembers the last thousand logins.
func TestALoginIsBegunByAWindowOnly(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	query := authorizeQuery(nil).Encode()
	for destination, want := range map[string]int{
		"":         http.StatusOK, // not a browser, or an old one
		"document": http.StatusOK,
		"empty":    http.StatusForbidden, // fetch
		"image":    http.StatusForbidden,
		"script":   http.StatusForbidden,
		"iframe":   http.StatusForbidden,
		"object":   http.StatusForbidden,
	} {
		for _, r := range []*http.Request{
			request(t, "GET", issuerURL+"/authorize?"+query, ""),
			request(t, "POST", issuerURL+"/authorize", query),
		} {
			if destination != "" {
				r.Header.Set("Sec-Fetch-Dest", destination)
			}
			if answer, _ := do(t, client, r); answer.StatusCode != want {
				t.Errorf("%s for %q: status %d, want %d", r.Method, destination, answer.StatusCode, want)
			}
		}
	}
}

func TestLoginsThatCannotBeContinued(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	_, id := openLogin(t, client, issuerURL, nil)
	evil := `"><script>alert(1)</script>`

	refused := func(name string, r *http.Request) {
		t.Helper()
		answer, body := do(t, client, r)
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" || strings.Contains(body, "<script") {
			t.Errorf("%s: status %d, location %q\n%s", name, answer.StatusCode, answer.Header.Get("Location"), body)
		}
	}
	post := func(id, user string) *http.Request {
		return request(t, "POST", issuerURL+"/login", url.Values{"id": {id}, "user": {user}, "redirect_uri": {"https://evil.example"}}.Encode())
	}
	refused("an unknown id", request(t, "GET", issuerURL+"/login?"+url.Values{"id": {evil}}.Encode(), ""))
	refused("no id", request(t, "GET", issuerURL+"/login", ""))
	refused("an unknown id sent", post(evil, "alice"))
	refused("an unknown user", post(id, "mallory"))
	refused("no user", post(id, ""))
	refused("a callback before the login", request(t, "GET", issuerURL+"/authorize/callback?id="+id, ""))
	refused("a callback of nothing", request(t, "GET", issuerURL+"/authorize/callback", ""))

	foreign := post(id, "alice")
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	if answer, _ := do(t, client, foreign); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a form of another site: status %d", answer.StatusCode)
	}

	// The browser has answered and is on its way to the callback.
	still := &http.Client{Transport: client.Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	answer, _ := do(t, still, post(id, "alice"))
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("login: status %d", answer.StatusCode)
	}
	refused("a second login", post(id, "bob"))
	refused("the page of a finished login", request(t, "GET", issuerURL+"/login?id="+id, ""))
	refused("the callback by the id that the starter of the login knows", request(t, "GET", issuerURL+"/authorize/callback?id="+id, ""))

	callback := answer.Header.Get("Location")
	if answer, _ := do(t, still, request(t, "GET", callback, "")); !strings.HasPrefix(answer.Header.Get("Location"), redirect+"?") {
		t.Errorf("callback: status %d, location %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	refused("a second callback", request(t, "GET", callback, ""))
}

func TestLoginsCodesAndSessionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := start(t, devissuer.Options{})
		_, id := openLogin(t, client, issuerURL, nil)
		code := getCode(t, client, "alice", nil)
		tokens := logIn(t, client, "alice", nil)

		time.Sleep(time.Minute)
		if status, answer := askToken(t, client, "", "", codeForm(code)); status != http.StatusBadRequest || answer.Error != "invalid_grant" {
			t.Errorf("code after its minute: status %d, error %q", status, answer.Error)
		}
		time.Sleep(9 * time.Minute)
		answer, _ := do(t, client, request(t, "POST", issuerURL+"/login", url.Values{"id": {id}, "user": {"alice"}}.Encode()))
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("login after its ten minutes: status %d", answer.StatusCode)
		}
		info := request(t, "GET", issuerURL+"/userinfo", "")
		info.Header.Set("Authorization", "Bearer "+tokens.AccessToken)
		if answer, _ := do(t, client, info); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("user info for an expired token: status %d", answer.StatusCode)
		}

		time.Sleep(7 * time.Hour)
		tokens = refresh(t, client, tokens.RefreshToken)
		time.Sleep(50 * time.Minute) // refreshing did not move the end of the session
		if status, answer := askToken(t, client, "", "", refreshForm(tokens.RefreshToken)); status != http.StatusBadRequest || answer.Error != "invalid_grant" {
			t.Errorf("refresh after the session: status %d, error %q", status, answer.Error)
		}
	})
}
