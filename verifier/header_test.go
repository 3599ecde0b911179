package verifier_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/verifier"
)

// refusals are tokens by what is wrong with them. Each is refused with one kind and,
// as the last column says, before or after the key source was asked.
type refusals map[string]refusal

type refusal struct {
	raw   string
	kind  verifier.Kind
	asked asked
}

type asked bool

const (
	unasked  asked = false
	wasAsked asked = true
)

func (rows refusals) run(t *testing.T, changes ...func(*verifier.Config)) {
	t.Helper()
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			keys := sourceOf(keyOf(t, "ed25519", verifier.EdDSA))
			v := verifierWith(t, append([]func(*verifier.Config){func(c *verifier.Config) { c.Keys = keys }}, changes...)...)
			wantRefused(t, v, row.raw, row.kind)
			if got := asked(len(keys.asked) > 0); got != row.asked {
				t.Errorf("keys were asked for: %t, want %t", got, row.asked)
			}
			wantExplained(t, v, row.raw)
		})
	}
}

func TestR27OnlyBase64urlAndDotsAreAJWT(t *testing.T) {
	good := tokenWith()
	rows := refusals{
		"JSON serialisation": {`{"payload":"e30","signatures":[]}`, verifier.ErrMalformed, unasked},
		"a leading space":    {" " + good, verifier.ErrMalformed, unasked},
		"a trailing space":   {good + " ", verifier.ErrMalformed, unasked},
		"a trailing newline": {good + "\n", verifier.ErrMalformed, unasked},
		"quoted":             {`"` + good + `"`, verifier.ErrMalformed, unasked},
		"empty":              {"", verifier.ErrMalformed, unasked},
	}
	for _, c := range []string{"+", "/", "=", "{", "\"", "\n", "\r", " ", "%", "\x00", "é"} {
		rows["header with "+c] = refusal{c + good, verifier.ErrMalformed, unasked}
		rows["signature with "+c] = refusal{good[:len(good)-10] + c + good[len(good)-10:], verifier.ErrMalformed, unasked}
	}
	rows.run(t)
}

func TestR28ExactlyTwoDots(t *testing.T) {
	good := tokenWith()
	header, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	refusals{
		"no dot":          {header, verifier.ErrMalformed, unasked},
		"one dot":         {header + "." + payload, verifier.ErrMalformed, unasked},
		"three dots":      {good + ".", verifier.ErrMalformed, unasked},
		"five parts":      {good + ".abc.def", verifier.ErrMalformed, unasked},
		"six parts":       {good + ".abc.def.ghi", verifier.ErrMalformed, unasked},
		"only dots":       {"..", verifier.ErrMalformed, unasked},
		"empty header":    {"." + payload + "." + signature, verifier.ErrMalformed, unasked},
		"empty signature": {header + "." + payload + ".", verifier.ErrMalformed, unasked},
	}.run(t)
	err := wantRefused(t, verifierWith(t), good+".abc.def", verifier.ErrMalformed)
	if !strings.Contains(err.Error(), "JWE") {
		t.Errorf("five parts are refused with %q, which does not name the JWE", err)
	}
}

// One token has one spelling.
func TestR29Base64urlIsStrict(t *testing.T) {
	good := tokenWith()
	last := strings.LastIndexByte(good, '.')
	payloadOf := func(encoded string) string { // signs an odd spelling of the payload
		signed := jwstest.Encode(goodHeader.object()) + "." + encoded
		return signed + "." + jwstest.Encode(signature(signed))
	}
	padded := goodPayload.object()
	for len(padded)%3 != 1 { // white space behind an object is JSON
		padded += " "
	}
	standard := base64.RawStdEncoding.EncodeToString([]byte(goodPayload.object("x", `"???>>>"`)))
	if !strings.ContainsAny(standard, "+/") {
		t.Fatal("the sample has neither + nor /")
	}
	refusals{
		"signature with padding":            {good + "==", verifier.ErrMalformed, unasked},
		"signature with a line break":       {good[:last+9] + "\n" + good[last+9:], verifier.ErrMalformed, unasked},
		"signature with a carriage return":  {good[:last+9] + "\r" + good[last+9:], verifier.ErrMalformed, unasked},
		"signature with trailing bits":      {trailingBit(good), verifier.ErrMalformed, unasked},
		"signature of an impossible length": {good[:last] + ".abcde", verifier.ErrMalformed, unasked},
		"header with padding":               {jwstest.Encode(goodHeader.object()) + "=" + good[strings.IndexByte(good, '.'):], verifier.ErrMalformed, unasked},
		"payload with padding":              {payloadOf(jwstest.Encode(goodPayload.object()) + "="), verifier.ErrMalformed, wasAsked},
		"payload with a line break":         {payloadOf(jwstest.Encode(goodPayload.object()[:30]) + "\n" + jwstest.Encode(goodPayload.object()[30:])), verifier.ErrMalformed, wasAsked},
		"payload with trailing bits":        {payloadOf(trailingBit(jwstest.Encode(padded))), verifier.ErrMalformed, wasAsked},
		"payload in the standard alphabet":  {payloadOf(standard), verifier.ErrMalformed, wasAsked},
		"payload empty":                     {payloadOf(""), verifier.ErrMalformed, wasAsked},
	}.run(t)
}

// trailingBit sets the lowest bit of the last character, which a text whose length
// is not a multiple of four leaves unused.
func trailingBit(encoded string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, encoded[len(encoded)-1])
	return encoded[:len(encoded)-1] + string(alphabet[last^1])
}

func TestR30HeaderIsOneObject(t *testing.T) {
	payload := goodPayload.object()
	rows := refusals{
		"alg twice":               {signed(`{"alg":"EdDSA","alg":"EdDSA","kid":"ed25519"}`, payload), verifier.ErrMalformed, unasked},
		"kid twice":               {signed(`{"alg":"EdDSA","kid":"ed25519","kid":"ed25519"}`, payload), verifier.ErrMalformed, unasked},
		"an unknown member twice": {headerWith("x", "1", "x", "1"), verifier.ErrMalformed, unasked},
		"twice, once escaped":     {signed(`{"alg":"EdDSA","\u0061lg":"none","kid":"ed25519"}`, payload), verifier.ErrMalformed, unasked},
		"twice, further in":       {headerWith("x", `{"y":[{"z":1,"z":2}]}`), verifier.ErrMalformed, unasked},
		"an array":                {signed(`["alg","EdDSA"]`, payload), verifier.ErrMalformed, unasked},
		"a string":                {signed(`"EdDSA"`, payload), verifier.ErrMalformed, unasked},
		"null":                    {signed(`null`, payload), verifier.ErrMalformed, unasked},
		"two objects":             {signed(goodHeader.object()+"{}", payload), verifier.ErrMalformed, unasked},
		"an object and text":      {signed(goodHeader.object()+"x", payload), verifier.ErrMalformed, unasked},
		"cut short":               {signed(`{"alg":"EdDSA"`, payload), verifier.ErrMalformed, unasked},
		"invalid UTF-8":           {signed("{\"alg\":\"EdDSA\",\"kid\":\"ed25519\",\"x\":\"\xff\"}", payload), verifier.ErrMalformed, unasked},
		"half a surrogate":        {headerWith("x", `"\ud800"`), verifier.ErrMalformed, unasked},
		"a byte order mark":       {signed("\xef\xbb\xbf"+goodHeader.object(), payload), verifier.ErrMalformed, unasked},
		"UTF-16":                  {signed("{\x00}\x00", payload), verifier.ErrMalformed, unasked},
		"a comment":               {signed(`{"alg":"EdDSA"/**/}`, payload), verifier.ErrMalformed, unasked},
		"a trailing comma":        {signed(`{"alg":"EdDSA","kid":"ed25519",}`, payload), verifier.ErrMalformed, unasked},
		"a member without name":   {signed(`{"alg":"EdDSA",1:2}`, payload), verifier.ErrMalformed, unasked},
		"kid a number":            {headerWith("kid", "1"), verifier.ErrMalformed, unasked},
		"kid null":                {headerWith("kid", "null"), verifier.ErrMalformed, unasked},
		"typ an array":            {headerWith("typ", `["JWT"]`), verifier.ErrMalformed, unasked},
	}
	rows.run(t)
}

func TestR31AlgIsAStringComparedExactly(t *testing.T) {
	refusals{
		"absent":          {headerWith("alg", ""), verifier.ErrMalformed, unasked},
		"empty":           {headerWith("alg", `""`), verifier.ErrMalformed, unasked},
		"null":            {headerWith("alg", `null`), verifier.ErrMalformed, unasked},
		"a number":        {headerWith("alg", `1`), verifier.ErrMalformed, unasked},
		"an array":        {headerWith("alg", `["EdDSA"]`), verifier.ErrMalformed, unasked},
		"lower case":      {headerWith("alg", `"eddsa"`), verifier.ErrAlgorithm, unasked},
		"upper case":      {headerWith("alg", `"EDDSA"`), verifier.ErrAlgorithm, unasked},
		"a space":         {headerWith("alg", `"EdDSA "`), verifier.ErrAlgorithm, unasked},
		"a zero octet":    {headerWith("alg", `"EdDSA\u0000"`), verifier.ErrAlgorithm, unasked},
		"under ALG":       {headerWith("alg", "", "ALG", `"EdDSA"`), verifier.ErrMalformed, unasked},
		"a nonsense name": {headerWith("alg", `"XY999"`), verifier.ErrAlgorithm, unasked},
	}.run(t)
	wantAccepted(t, verifierWith(t), headerWith("alg", `"\u0045dDSA"`)) // the same string
}

func TestR32AnyCritIsRefused(t *testing.T) {
	refusals{
		"an unknown name": {headerWith("crit", `["exp"]`, "exp", "1"), verifier.ErrMalformed, unasked},
		"an empty list":   {headerWith("crit", `[]`), verifier.ErrMalformed, unasked},
		"no list":         {headerWith("crit", `"b64"`), verifier.ErrMalformed, unasked},
		"null":            {headerWith("crit", `null`), verifier.ErrMalformed, unasked},
		"an absent name":  {headerWith("crit", `["x"]`), verifier.ErrMalformed, unasked},
		"a name twice":    {headerWith("crit", `["x","x"]`, "x", "1"), verifier.ErrMalformed, unasked},
		"a standard name": {headerWith("crit", `["alg"]`), verifier.ErrMalformed, unasked},
	}.run(t)
}

func TestR33B64IsRefused(t *testing.T) {
	refusals{
		"false":           {headerWith("b64", "false"), verifier.ErrMalformed, unasked},
		"false, and crit": {headerWith("b64", "false", "crit", `["b64"]`), verifier.ErrMalformed, unasked},
		"true":            {headerWith("b64", "true"), verifier.ErrMalformed, unasked},
	}.run(t)
}

func TestR34NoneIsRefusedInAnySpelling(t *testing.T) {
	for _, name := range []string{"none", "None", "NONE", "nOnE"} {
		header := goodHeader.object("alg", quote(name))
		unsigned := jwstest.Encode(header) + "." + jwstest.Encode(goodPayload.object()) + "."
		refusals{
			name + " without a signature":   {unsigned, verifier.ErrAlgorithm, unasked},
			name + " with nonsense":         {unsigned + "AAAA", verifier.ErrAlgorithm, unasked},
			name + " with a good signature": {signed(header, goodPayload.object()), verifier.ErrAlgorithm, unasked},
		}.run(t)
	}
}

// The attacker signs with a key of his own and brings it along.
func TestR35KeysInTheHeaderAreNeverUsed(t *testing.T) {
	attack := func(changes ...string) string {
		return jwstest.Sign(jws.RS256, signer("rsa-2048-b"), goodHeader.object(append([]string{"alg", `"RS256"`}, changes...)...), goodPayload.object())
	}
	listRS256 := func(c *verifier.Config) { c.Algorithms = append(c.Algorithms, verifier.RS256) }
	refusals{
		"jwk":          {attack("kid", `"rsa-2048-b"`, "jwk", `{"kty":"RSA","n":"`+strings.Repeat("A", 342)+`","e":"AQAB"}`), verifier.ErrUnknownKey, wasAsked},
		"jwk, no kid":  {attack("kid", "", "jwk", `{"kty":"RSA"}`), verifier.ErrUnknownKey, wasAsked},
		"jku":          {attack("kid", `"rsa-2048-b"`, "jku", `"https://attacker.example/keys"`), verifier.ErrUnknownKey, wasAsked},
		"x5u":          {attack("kid", `"rsa-2048-b"`, "x5u", `"https://attacker.example/cert"`), verifier.ErrUnknownKey, wasAsked},
		"x5c":          {attack("kid", `"rsa-2048-b"`, "x5c", `["MIIB"]`), verifier.ErrUnknownKey, wasAsked},
		"x5t":          {attack("kid", `"rsa-2048-b"`, "x5t", `"abc"`, "x5t#S256", `"abc"`), verifier.ErrUnknownKey, wasAsked},
		"our kid, jwk": {attack("jwk", `{"kty":"RSA"}`), verifier.ErrUnknownKey, wasAsked},
	}.run(t, listRS256)
	// They are no fault either: some issuers send them.
	wantAccepted(t, verifierWith(t), headerWith("jwk", `{"kty":"OKP"}`, "jku", "1", "x5c", "[]", "x5t", `"x"`))
}

func TestR36KidIsCapped(t *testing.T) {
	long := strings.Repeat("k", 257)
	refusals{
		"257 octets":              {headerWith("kid", quote(long)), verifier.ErrMalformed, unasked},
		"257 octets, escaped":     {headerWith("kid", `"`+strings.Repeat(`\u006b`, 257)+`"`), verifier.ErrMalformed, unasked},
		"256 octets, and unknown": {headerWith("kid", quote(long[:256])), verifier.ErrUnknownKey, wasAsked},
	}.run(t)
	keys := sourceOf(keyNamed(t, long[:256], "ed25519", verifier.EdDSA))
	wantAccepted(t, verifierWith(t, func(c *verifier.Config) { c.Keys = keys }), headerWith("kid", quote(long[:256])))
	hostile := "x\n\"level\":\"ERROR\" ../../etc' OR 1=1 --\x1b[31m"
	err := wantRefused(t, verifierWith(t), headerWith("kid", quote(hostile)), verifier.ErrUnknownKey)
	if strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("the error lets control characters through: %q", err)
	}
}

func TestR37SizeAndDepthAreBounded(t *testing.T) {
	long := func(bytes int) string { // a good token of so many bytes
		raw := ""
		for pad := bytes / 4 * 3; len(raw) != bytes; pad-- {
			raw = tokenWith("pad", `"`+strings.Repeat("x", pad)+`"`)
			if len(raw) < bytes-8 {
				t.Fatalf("no token of %d bytes", bytes)
			}
		}
		return raw
	}
	nested := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	refusals{
		"one byte more than 16 KiB": {long(16<<10 + 1), verifier.ErrMalformed, unasked},
		"a megabyte of dots":        {strings.Repeat(".", 1<<20), verifier.ErrMalformed, unasked},
		"header 33 deep":            {headerWith("x", nested(32)), verifier.ErrMalformed, unasked},
		"header 33 deep in objects": {headerWith("x", strings.Repeat(`{"a":`, 32)+"1"+strings.Repeat("}", 32)), verifier.ErrMalformed, unasked},
		"payload 65 deep":           {tokenWith("x", nested(64)), verifier.ErrMalformed, wasAsked},
		"payload 3001 deep":         {tokenWith("x", nested(3000)), verifier.ErrMalformed, wasAsked},
		"cnf 65 deep":               {tokenWith("cnf", nested(64)), verifier.ErrMalformed, wasAsked},
	}.run(t)
	v := verifierWith(t)
	wantAccepted(t, v, long(16<<10))
	wantAccepted(t, v, headerWith("x", nested(31)))
	wantAccepted(t, v, tokenWith("x", nested(63)))
	few := func(c *verifier.Config) { c.MaxTokenBytes = 400 }
	wantAccepted(t, verifierWith(t, few), long(400))
	wantRefused(t, verifierWith(t, few), long(401), verifier.ErrMalformed)
}

func TestR38PayloadIsOneObject(t *testing.T) {
	header := goodHeader.object()
	good := goodPayload.object()
	refusals{
		"iss twice":            {tokenWith("iss", quote(issuer), "iss", quote(issuer)), verifier.ErrMalformed, wasAsked},
		"an unknown one twice": {tokenWith("x", "1", "x", "2"), verifier.ErrMalformed, wasAsked},
		"twice, once escaped":  {signed(header, good[:len(good)-1]+`,"\u0069ss":"https://other.example"}`), verifier.ErrMalformed, wasAsked},
		"twice, further in":    {tokenWith("x", `{"y":1,"y":2}`), verifier.ErrMalformed, wasAsked},
		"twice within cnf":     {tokenWith("cnf", `{"jkt":"a","jkt":"b"}`), verifier.ErrMalformed, wasAsked},
		"an array":             {signed(header, "["+good+"]"), verifier.ErrMalformed, wasAsked},
		"null":                 {signed(header, "null"), verifier.ErrMalformed, wasAsked},
		"a string":             {signed(header, `"x"`), verifier.ErrMalformed, wasAsked},
		"two objects":          {signed(header, good+good), verifier.ErrMalformed, wasAsked},
		"cut short":            {signed(header, good[:len(good)-1]), verifier.ErrMalformed, wasAsked},
		"invalid UTF-8":        {tokenWith("x", "\"\xc3\x28\""), verifier.ErrMalformed, wasAsked},
		"half a surrogate":     {tokenWith("sub", `"\udc00"`), verifier.ErrMalformed, wasAsked},
		"a byte order mark":    {signed(header, "\xef\xbb\xbf"+good), verifier.ErrMalformed, wasAsked},
		"nothing but a space":  {signed(header, " "), verifier.ErrMalformed, wasAsked},
		"NaN":                  {tokenWith("x", "NaN"), verifier.ErrMalformed, wasAsked},
		"a number with a plus": {tokenWith("exp", "+1767229200"), verifier.ErrMalformed, wasAsked},
		"a number with a zero": {tokenWith("exp", "01767229200"), verifier.ErrMalformed, wasAsked},
	}.run(t)
	wantAccepted(t, verifierWith(t), signed(header, " \t\r\n"+good+"\n"))
}

// The payload of a token that nobody signed is not looked at: what is wrong with it
// shows in no error.
func TestPayloadIsReadOnlyAfterTheSignature(t *testing.T) {
	for name, payload := range map[string]string{
		"not JSON":         "{",
		"expired":          goodPayload.object("exp", "1"),
		"a foreign issuer": goodPayload.object("iss", `"https://other.example"`),
		"a wrong type":     goodPayload.object("sub", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			forged := jwstest.Encode(goodHeader.object()) + "." + jwstest.Encode(payload) + "." + jwstest.Encode(signature("something else"))
			wantRefused(t, verifierWith(t), forged, verifier.ErrSignature)
		})
	}
	last := strings.LastIndexByte(tokenWith(), '.')
	wantRefused(t, verifierWith(t), jwstest.Encode(goodHeader.object())+".!!!"+tokenWith()[last:], verifier.ErrSignature)
}

// signature signs with the EdDSA key.
func signature(text string) []byte {
	return jwstest.Signature(jws.EdDSA, signer("ed25519"), []byte(text))
}
