package devissuer_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/examples/todo/internal/devissuer"
)

// startBrowser is start with a client that keeps cookies.
func startBrowser(t *testing.T, o devissuer.Options) *http.Client {
	t.Helper()
	_, client := start(t, o)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client.Jar = jar
	return client
}

// silently asks for authorization without a page and returns what the web page gets.
func silently(t *testing.T, client *http.Client, change url.Values) url.Values {
	t.Helper()
	query := authorizeQuery(url.Values{"prompt": {"none"}})
	for name, values := range change {
		query[name] = values
	}
	answer, body := do(t, client, request(t, "GET", issuerURL+"/authorize?"+query.Encode(), ""))
	location, err := answer.Location()
	if err != nil || !strings.HasPrefix(location.String(), redirect+"?") {
		t.Fatalf("status %d, location %q: %s", answer.StatusCode, answer.Header.Get("Location"), body)
	}
	return location.Query()
}

func TestABrowserThatIsLoggedInGetsCodesWithoutAPage(t *testing.T) {
	synctest.Test(t, loggedInWithoutAPage)
}

func loggedInWithoutAPage(t *testing.T) {
	client := startBrowser(t, devissuer.Options{})
	if got := silently(t, client, nil); got.Get("error") != "login_required" || got.Get("state") != "the-state" || got.Has("code") {
		t.Fatalf("before the login: %v", got)
	}
	first := logIn(t, client, "bob", nil)
	time.Sleep(time.Minute)
	got := silently(t, client, nil)
	status, tokens := askToken(t, client, "", "", codeForm(got.Get("code")))
	if status != http.StatusOK || got.Get("state") != "the-state" {
		t.Fatalf("after the login: %v, status %d", got, status)
	}
	keys := fetchKeys(t, client)
	_, before := verified(t, first.IDToken, keys)
	_, after := verified(t, tokens.IDToken, keys)
	if after["preferred_username"] != "bob" || after["auth_time"] != before["auth_time"] || after["sub"] != before["sub"] {
		t.Errorf("ID token %v, at the login %v", after, before)
	}
	// A request that may show a page needs none either.
	answer, _ := do(t, client, request(t, "GET", issuerURL+"/authorize?"+authorizeQuery(nil).Encode(), ""))
	if location, err := answer.Location(); err != nil || !location.Query().Has("code") {
		t.Errorf("status %d, location %q", answer.StatusCode, answer.Header.Get("Location"))
	}
}

func TestWhatARequestMayDemandOfTheLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := startBrowser(t, devissuer.Options{})
		tokens := logIn(t, client, "alice", nil)
		time.Sleep(time.Minute)
		for name, c := range map[string]struct {
			change url.Values
			want   string // the error
		}{
			"nothing":            {nil, ""},
			"an older login":     {url.Values{"max_age": {"61"}}, ""},
			"a younger login":    {url.Values{"max_age": {"59"}}, "login_required"},
			"a new login":        {url.Values{"max_age": {"0"}}, "login_required"},
			"the same user":      {url.Values{"id_token_hint": {tokens.IDToken}}, ""},
			"none and something": {url.Values{"prompt": {"none login"}}, "invalid_request"},
		} {
			if got := silently(t, client, c.change); got.Get("error") != c.want || got.Has("code") == (c.want != "") {
				t.Errorf("%s: %v", name, got)
			}
		}
		for _, prompt := range []string{"login", "select_account", "consent"} {
			openLogin(t, client, issuerURL, url.Values{"prompt": {prompt}}) // fails without a page
		}
		time.Sleep(8 * time.Hour)
		if got := silently(t, client, nil); got.Get("error") != "login_required" {
			t.Errorf("after the session: %v", got)
		}
	})
}

func TestTheHintOfAnotherUserIsNotAnswered(t *testing.T) {
	client := startBrowser(t, devissuer.Options{})
	alice := logIn(t, client, "alice", nil)
	logIn(t, client, "bob", url.Values{"prompt": {"login"}}) // now the browser is bob's
	if got := silently(t, client, url.Values{"id_token_hint": {alice.IDToken}}); got.Get("error") != "login_required" {
		t.Errorf("alice's hint: %v", got)
	}
	got := silently(t, client, nil)
	if _, tokens := askToken(t, client, "", "", codeForm(got.Get("code"))); tokens.AccessToken == "" {
		t.Errorf("without a hint: %v", got)
	}
}

func TestLoggingOutEndsTheBrowsersLogin(t *testing.T) {
	for name, query := range map[string]func(tokenAnswer) url.Values{
		"with the ID token": func(tokens tokenAnswer) url.Values {
			return url.Values{"id_token_hint": {tokens.IDToken}, "post_logout_redirect_uri": {pageURL + "/"}}
		},
		"without": func(tokenAnswer) url.Values { return nil },
	} {
		client := startBrowser(t, devissuer.Options{})
		tokens := logIn(t, client, "alice", nil)
		at, _ := url.Parse(issuerURL + "/login")
		stolen := client.Jar.Cookies(at)
		do(t, client, request(t, "GET", issuerURL+"/end_session?"+query(tokens).Encode(), ""))
		if left := client.Jar.Cookies(at); len(stolen) != 1 || len(left) != 0 {
			t.Errorf("%s: cookies before %v, after %v", name, stolen, left)
		}
		client.Jar.SetCookies(at, stolen)
		if got := silently(t, client, nil); got.Get("error") != "login_required" {
			t.Errorf("%s: the cookie works after the logout: %v", name, got)
		}
	}
}

// A restart forgets the keys, and an ID token may outlive its key without one.
func TestLoggingOutByAHintThatIsNotKnown(t *testing.T) {
	_, elsewhere := start(t, devissuer.Options{})
	foreign := logIn(t, elsewhere, "alice", nil).IDToken
	for name, c := range map[string]struct {
		query  url.Values
		status int
		want   string // the location
	}{
		"back to the page":         {url.Values{"client_id": {"todo-web"}, "post_logout_redirect_uri": {pageURL + "/"}}, http.StatusFound, pageURL + "/"},
		"to another place":         {url.Values{"client_id": {"todo-web"}, "post_logout_redirect_uri": {"https://evil.example/"}}, http.StatusBadRequest, ""},
		"of a client without page": {url.Values{"client_id": {"alice"}, "post_logout_redirect_uri": {pageURL + "/"}}, http.StatusBadRequest, ""},
		"of no client":             {url.Values{"post_logout_redirect_uri": {"https://evil.example/"}}, http.StatusFound, issuerURL + "/logged-out"},
	} {
		for kind, hint := range map[string]string{"another issuer's": foreign, "no token": "a.b.c"} {
			client := startBrowser(t, devissuer.Options{})
			tokens := logIn(t, client, "alice", nil)
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			c.query.Set("id_token_hint", hint)
			for _, r := range []*http.Request{
				request(t, "GET", issuerURL+"/end_session?"+c.query.Encode(), ""),
				request(t, "POST", issuerURL+"/end_session", c.query.Encode()),
			} {
				if answer, _ := do(t, client, r); answer.StatusCode != c.status || answer.Header.Get("Location") != c.want {
					t.Errorf("%s, %s, %s: status %d, location %q", name, kind, r.Method, answer.StatusCode, answer.Header.Get("Location"))
				}
			}
			if at, _ := url.Parse(issuerURL + "/login"); len(client.Jar.Cookies(at)) != 0 {
				t.Errorf("%s, %s: the browser is still logged in", name, kind)
			}
			refresh(t, client, tokens.RefreshToken) // whose it was is not known, so nobody's session ended but the browser's
		}
	}
}

func TestLoggingOutByAHintWhoseKeyIsGone(t *testing.T) {
	issuer, client := start(t, devissuer.Options{})
	tokens := logIn(t, client, "alice", nil)
	if err := issuer.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	issuer.DropOldKeys()
	query := url.Values{"id_token_hint": {tokens.IDToken}, "client_id": {"todo-web"}, "post_logout_redirect_uri": {pageURL + "/"}}
	answer, body := do(t, client, request(t, "GET", issuerURL+"/end_session?"+query.Encode(), ""))
	if answer.StatusCode != http.StatusFound || answer.Header.Get("Location") != pageURL+"/" {
		t.Errorf("status %d: %s", answer.StatusCode, body)
	}
}

func TestLoggingOutByAHintThatHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := start(t, devissuer.Options{})
		tokens := logIn(t, client, "alice", nil)
		time.Sleep(time.Hour)
		do(t, client, request(t, "GET", issuerURL+"/end_session?"+url.Values{"id_token_hint": {tokens.IDToken}}.Encode(), ""))
		if status, _ := askToken(t, client, "", "", refreshForm(tokens.RefreshToken)); status != http.StatusBadRequest {
			t.Errorf("refresh after the logout: status %d", status)
		}
	})
}

func TestTwoIssuersOnOneMachineLeaveEachOthersLoginsAlone(t *testing.T) {
	names := make(map[string]bool)
	for _, at := range []string{"http://127.0.0.1:8080/dev-issuer", "http://127.0.0.1:8090/dev-issuer", "http://127.0.0.1/dev-issuer"} {
		client := startBrowser(t, devissuer.Options{Issuer: at})
		_, id := openLogin(t, client, at, nil)
		press(t, client, at, id, "alice")
		login, err := url.Parse(at + "/login")
		if err != nil {
			t.Fatal(err)
		}
		for _, cookie := range client.Jar.Cookies(login) {
			names[cookie.Name] = true
		}
	}
	if len(names) != 3 {
		t.Errorf("cookies %v, want one name for each port", names)
	}
}

func TestTheLoginsCookie(t *testing.T) {
	for at, secure := range map[string]bool{issuerURL: false, "https://localhost:8443/a": true} {
		_, client := start(t, devissuer.Options{Issuer: at})
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		authorize, _ := do(t, client, request(t, "GET", at+"/authorize?"+authorizeQuery(nil).Encode(), ""))
		location, err := authorize.Location()
		if err != nil {
			t.Fatal(err)
		}
		form := url.Values{"id": {location.Query().Get("id")}, "user": {"alice"}}
		answer, _ := do(t, client, request(t, "POST", at+"/login", form.Encode()))
		cookies := answer.Cookies()
		if len(cookies) != 1 {
			t.Fatalf("cookies %v", cookies)
		}
		c := cookies[0]
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure != secure || c.Domain != "" || c.MaxAge != 0 || len(c.Value) < 26 || c.Path != at[strings.LastIndex(at, "/"):]+"/" {
			t.Errorf("cookie %v", c)
		}
	}
}

func TestALoginThatFailsGivesNoCookie(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	_, id := openLogin(t, client, issuerURL, nil)
	for name, form := range map[string]url.Values{
		"an unknown request": {"id": {"x"}, "user": {"alice"}},
		"an unknown user":    {"id": {id}, "user": {"mallory"}},
	} {
		if answer, _ := do(t, client, request(t, "POST", issuerURL+"/login", form.Encode())); len(answer.Cookies()) != 0 {
			t.Errorf("%s: cookies %v", name, answer.Cookies())
		}
	}
}
