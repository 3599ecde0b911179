package difftest

import (
	"strconv"
	"strings"
)

// edit is a member and values that it can be given; "" takes it out.
type edit struct {
	name   string
	values []string
}

var headerEdits = []edit{
	{"alg", []string{
		`"EdDSA"`, `"Ed25519"`, `"Ed25519"`, `"Ed25519"`, `"ES256"`, `"RS256"`, `"none"`, `"nOnE"`, `"HS256"`, `"eddsa"`, `"EdDSA "`,
		`"\u0045dDSA"`, `""`, `null`, `1`, `["EdDSA"]`, ``,
	}},
	{"kid", []string{
		`"ed"`, `"e\u0064"`, `"ec"`, `"ED"`, `"ed "`, `"unknown"`, `""`, ``, ``, ``, `null`, `1`, `["ed"]`, `"` + strings.Repeat("k", 256) + `"`, `"` + strings.Repeat("k", 257) + `"`,
	}},
	{"typ", []string{
		`"JWT"`, `"jwt"`, `"at+jwt"`, `"AT+JWT"`, `"application/at+jwt"`, `"APPLICATION/JWT"`, `"application/"`, `"application/application/jwt"`, `""`, ``,
		`"dpop+jwt"`, `"logout+jwt"`, `"secevent+jwt"`, `"JOSE"`, `" JWT"`, `"at+jwt;v=1"`, `null`, `1`, `true`, `["JWT"]`,
	}},
	{"crit", []string{`[]`, `["exp"]`, `["b64"]`, `null`, `"b64"`, `{}`}},
	{"b64", []string{`true`, `true`, `false`, `null`, `"true"`}},
	{"jwk", []string{`{}`, `null`, `1`, `{"kty":"OKP","crv":"Ed25519","x":"NczzIx6zKEofr8AQgY-B6YalVuuW6dR5l9fC-MZq81c"}`, `{"kty":"oct","k":"AAAA"}`, `{"kty":"RSA","kty":"RSA"}`}},
	{"jku", []string{`"https://id.example.com/keys"`, `1`, `null`}},
	{"x5u", []string{`"https://id.example.com/x"`, `{}`}},
	{"x5c", []string{`[]`, `["x"]`, `null`, `"x"`}},
	{"x5t", []string{`"x"`, `1`}},
	{"nonce", []string{`"x"`, `1`, `null`, `{}`}},
	{"cty", []string{`"JWT"`, `1`}},
	{"zip", []string{`"DEF"`}},
	{"enc", []string{`"A256GCM"`}},
	{"x", []string{`1e400`, `-1e400`, `{"a":[1e999]}`, `1e-999`, `{"y":{"z":[]}}`, `"\ud800"`, "\"\xff\""}},
}

var payloadEdits = []edit{
	{"iss", []string{
		`"https:\/\/id.example.com"`, `"https://id.example.com/"`, `"HTTPS://id.example.com"`, `"https://id.example.co"`, `"https://id.example.com\u0000"`,
		`""`, ``, `null`, `1`, `["https://id.example.com"]`,
	}},
	{"sub", []string{`""`, ``, `null`, `1`, `{}`, `["a"]`, `"\u00e9\n\ud83d\ude00"`, `"é😀"`, `"\ud83d"`, `"\ude00\ud83d"`, "\"\xc3\"", `"\u0000"`}},
	{"aud", []string{
		`"todo-api"`, `["todo-api"]`, `["x","todo-api"]`, `["x","y"]`, `[]`, ``, `null`, `1`, `{}`, `["todo-api",1]`, `["todo-api",null]`, `[["todo-api"]]`,
		`"todo-api "`, `"TODO-API"`, `"todo-api,x"`, `"todo\u002dapi"`, `["todo-api","todo-api"]`, "[\"todo-api\",\"\xff\"]",
		`["todo-api"` + strings.Repeat(`,"a"`, 511) + `]`, `["todo-api"` + strings.Repeat(`,"a"`, 512) + `]`,
	}},
	{"exp", times(now - leeway)},
	{"exp", times(now - leeway)},
	{"nbf", times(now + leeway)},
	{"nbf", times(now + leeway)},
	{"iat", times(now + leeway)},
	{"iat", times(now + leeway)},
	{"jti", []string{`""`, ``, `null`, `1`, `[]`}},
	{"scope", []string{`""`, ``, `null`, `1`, `["todos:read"]`, `"a  b"`}},
	{"client_id", []string{`"todo-web"`, `null`, `1`}},
	{"azp", []string{`"todo-web"`, `null`, `{}`}},
	{"typ", []string{`"Bearer"`, `"bearer"`, `"ID"`, `"id"`, `"Refresh"`, `"Refre\u017fh"`, `"Offline"`, `"logout"`, `"JWT"`, `""`, `null`, `1`}},
	{"at_hash", []string{`"x"`, `null`}},
	{"c_hash", []string{`"x"`, `null`}},
	{"events", []string{`{}`, `null`}},
	{"cnf", []string{`{}`, `{"jkt":"x"}`, `{"x5t#S256":"x"}`, `null`, `"x"`}},
	{"act", []string{`{"sub":"bob"}`, `{"sub":1,"sub":2}`}},
	{"x", []string{`1e400`, `{"a":1,"a":2}`, `[{"a":{"b":1,"\u0062":1}}]`, `"\ud800"`, "\"\xff\"", `{"\ud800":1}`}},
}

// times are spellings of times about a limit, and values that are no time.
func times(limit int64) []string {
	at := strconv.FormatInt(limit, 10)
	return []string{
		at, at, at, at + ".0", at + ".5", at + ".000001", at + ".25", at + ".999999", at + "e0", at + "0e-1", at + "00E-2",
		strconv.FormatInt(limit-1, 10), strconv.FormatInt(limit+1, 10), strconv.FormatInt(limit-1, 10) + ".5", strconv.FormatInt(limit+1, 10) + ".5",
		strconv.FormatInt(limit-1, 10) + ".9999999999", strconv.FormatInt(limit-86400, 10), strconv.FormatInt(limit+86400, 10),
		"0", "-0", "-0.5", "-1", "1e3", "253402300799", "253402300799.5", "253402300800", "4e15", "9.3e18", "1e19", "1e308", "1e309", "-1e400", "1e-400",
		``, `null`, `""`, `"` + at + `"`, `true`, `[` + at + `]`, `{}`, `NaN`, `0` + at, `+` + at,
	}
}

// scalars are values that are easily mistaken for others.
var scalars = []string{
	`null`, `true`, `false`, `0`, `-0`, `1`, `1.5`, `1e400`, `1E3`, `""`, `"null"`, `"0"`, `[]`, `{}`, `"\u0000"`, `12345678901234567890`, `[null]`, `{"":""}`,
}

// texts begin strings.
var texts = []string{
	"", "", "", "", `\n`, `\u00e9`, "é", "😀", `\ud83d\ude00`, `\ud83d`, `\ude00`, `\\`, `\"`, `\/`, "\xff", "\xc3\xa9", "\xed\xa0\x80", "\ufeff", "\u2028", "\x7f",
}

// pieces are put into a text.
var pieces = []string{
	`"`, `\`, `{`, `}`, `[`, `]`, `,`, `:`, `null`, `1`, `-`, `.`, `e9`, `\u0061`, `\ud800`, "\x00", "\xff", "\n", " ", "é", `"a":1,`, `"exp":1,`, `"aud":"todo-api",`, "/", "0",
}

// edges stand before or behind a text.
var edges = []string{" ", "\n\t\r ", "\ufeff", "{}", ",", "\x00", "null", "\u00a0", "\x0b"}
