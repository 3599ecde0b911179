package difftest

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
)

// recipe is how the token of one input is made.
type recipe struct {
	header, payload string
	signer          signer
	damage          []byte // see damaged
}

// token makes the token.
func (r recipe) token() string {
	return damaged(r.signer.sign(r.header, r.payload), r.damage)
}

// String tells how to make the token again.
func (r recipe) String() string {
	return fmt.Sprintf("header %q\npayload %q\nsigner %d (%s)\ndamage %q", r.header, r.payload, r.signer, signers[r.signer].kid, r.damage)
}

// blow is one way to damage a token at a position in it. The byte says how, where there
// is a choice.
type blow func(raw string, position int, b byte) string

// The blows, by the octet that stands for them in damage.
const (
	replaceOctet = iota
	replaceDigit
	insertDigit
	insertOctet
	removeOctet
	cutOff
	insertSpace // mostly a line break
	pad
	setSpareBits
	takeOtherPart // a good token's
	emptyPart
	doublePart
	addBehind
	addBefore
	useStandardAlphabet
	encodeTwice
	numBlows
)

var blows = [numBlows]blow{
	replaceOctet: func(raw string, i int, b byte) string { return raw[:i] + string(rune(b&0x7f)) + raw[i+1:] },
	replaceDigit: func(raw string, i int, b byte) string { return raw[:i] + string(base64Alphabet[b%64]) + raw[i+1:] },
	insertDigit:  func(raw string, i int, b byte) string { return raw[:i] + string(base64Alphabet[b%64]) + raw[i:] },
	insertOctet:  func(raw string, i int, b byte) string { return raw[:i] + string([]byte{b}) + raw[i:] },
	removeOctet:  func(raw string, i int, _ byte) string { return raw[:i] + raw[i+1:] },
	cutOff:       func(raw string, i int, _ byte) string { return raw[:i] },
	insertSpace: func(raw string, i int, b byte) string {
		return raw[:i] + []string{"\n", "\r", "\r\n", " "}[b%4] + raw[i:]
	},
	pad: func(raw string, i int, b byte) string {
		return part(raw, i, func(p string) string { return p + strings.Repeat("=", 1+int(b%2)) })
	},
	setSpareBits: func(raw string, i int, b byte) string {
		return part(raw, i, func(p string) string { return trailing(p, b) })
	},
	takeOtherPart: func(raw string, i int, b byte) string {
		return part(raw, i, func(string) string { return strings.Split(goodToken, ".")[(i+int(b%2))%3] })
	},
	emptyPart: func(raw string, i int, _ byte) string { return part(raw, i, func(string) string { return "" }) },
	doublePart: func(raw string, i int, _ byte) string {
		return part(raw, i, func(p string) string { return p + "." + p })
	},
	addBehind:           func(raw string, _ int, b byte) string { return raw + []string{".", "..", "\n", " ", "=", "\x00"}[b%6] },
	addBefore:           func(raw string, _ int, b byte) string { return []string{".", "\n", " ", "Bearer "}[b%4] + raw },
	useStandardAlphabet: func(raw string, _ int, _ byte) string { return strings.NewReplacer("-", "+", "_", "/").Replace(raw) },
	encodeTwice: func(raw string, i int, _ byte) string {
		return part(raw, i, func(p string) string { return jwstest.Encode(p) })
	},
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// damaged strikes a token once for each three octets of damage. The first one says
// which blow, the second and third where, and the third is also the blow's own byte.
func damaged(raw string, damage []byte) string {
	for ; len(damage) >= 3 && raw != ""; damage = damage[3:] {
		position := (int(damage[1])<<8 | int(damage[2])) % len(raw)
		raw = blows[damage[0]%numBlows](raw, position, damage[2])
	}
	return raw
}

// part changes one of the parts between the dots.
func part(raw string, i int, change func(string) string) string {
	parts := strings.Split(raw, ".")
	parts[i%len(parts)] = change(parts[i%len(parts)])
	return strings.Join(parts, ".")
}

// trailing sets bits that the last character of a part has beyond the last octet.
func trailing(p string, b byte) string {
	spare := [4]int{2: 4, 3: 2}[len(p)%4]
	if spare == 0 {
		return p
	}
	last := strings.IndexByte(base64Alphabet, p[len(p)-1])
	if last < 0 {
		return p
	}
	return p[:len(p)-1] + string(base64Alphabet[last|int(b)&(1<<spare-1)])
}

// lenient decodes base64url as go-jose does, which reads over line breaks and trailing
// bits. It returns nothing of a part that it cannot decode.
func lenient(part string) []byte {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil
	}
	return data
}
