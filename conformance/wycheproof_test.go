package conformance

import (
	"encoding/json/v2"
	"io/fs"
	"maps"
	"path"
	"testing"

	"github.com/c2sp/wycheproof"
)

// vectorFile is a file of Wycheproof whose groups are of one kind.
type vectorFile[Group any] struct {
	Groups []Group `json:"testGroups"`
}

// readVectors reads a file of Wycheproof.
func readVectors[Group any](t *testing.T, name string) []Group {
	t.Helper()
	data, err := fs.ReadFile(wycheproof.TestVectors, name)
	if err != nil {
		t.Fatal(err)
	}
	var file vectorFile[Group]
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return file.Groups
}

// Why a file of Wycheproof is not read.
const (
	notASignature   = "is not about signatures"
	signs           = "is about signing"
	otherHash       = "its hash is in no JOSE algorithm"
	otherCurve      = "its curve is in no JOSE algorithm that the library has"
	derSignatures   = "its signatures are DER, which JOSE does not use"
	curveAndHash    = "JOSE does not use its curve with its hash"
	otherSignatures = "its signature algorithm is not one of the library"
)

// unread says why files of Wycheproof are not read. The first pattern that matches
// decides.
func unread() [][2]string {
	return [][2]string{
		{"rsa_signature_*_sha224_test.json", otherHash},
		{"rsa_signature_*_sha3_*_test.json", otherHash},
		{"rsa_signature_*_sha512_*_test.json", otherHash},
		{"rsa_pss_2048_sha1_*_test.json", otherHash},
		{"rsa_pss_2048_sha512_2*_test.json", otherHash},
		{"rsa_pss_*_shake*_test.json", otherHash},
		{"ecdsa_secp256r1_sha512_p1363_test.json", curveAndHash},
		{"ecdsa_secp384r1_sha512_p1363_test.json", curveAndHash},
		{"ecdsa_secp*r1_shake*_p1363_test.json", otherHash},
		{"ecdsa_secp*_p1363_test.json", otherCurve},
		{"ecdsa_brainpool*_p1363_test.json", otherCurve},
		{"ecdsa_*_test.json", derSignatures},
		{"ed448_test.json", otherCurve},
		{"dsa_*_test.json", otherSignatures},
		{"bls_sig_*_test.json", otherSignatures},
		{"mldsa_*_sign_*_test.json", signs},
		{"json_web_encryption_test.json", notASignature},
		{"rsa_oaep_*", notASignature},
		{"rsa_pkcs1_????_test.json", notASignature},
		{"rsa_three_primes_oaep_*", notASignature},
		{"a???cbc_*", notASignature},
		{"aead_*", notASignature},
		{"aegis*", notASignature},
		{"aes_*", notASignature},
		{"aria_*", notASignature},
		{"ascon*", notASignature},
		{"bls_hash_*", notASignature},
		{"c2sp_chunked_*", notASignature},
		{"camellia_*", notASignature},
		{"chacha20_*", notASignature},
		{"ec_prime_order_*", notASignature},
		{"ecdh_*", notASignature},
		{"hkdf_*", notASignature},
		{"hmac_*", notASignature},
		{"kmac*", notASignature},
		{"mlkem_*", notASignature},
		{"morus*", notASignature},
		{"pbes2_*", notASignature},
		{"pbkdf2_*", notASignature},
		{"primality_*", notASignature},
		{"seed_*", notASignature},
		{"siphash*", notASignature},
		{"sm4_*", notASignature},
		{"vmac_*", notASignature},
		{"x25519_*", notASignature},
		{"x448_*", notASignature},
		{"xchacha20_*", notASignature},
	}
}

// Each file of Wycheproof is read, or there is a reason not to. A new one fails this
// test until somebody has decided.
func TestWycheproofFilesAreDecidedOn(t *testing.T) {
	want := map[string]int{
		"is read":     44,
		notASignature: 190, signs: 6, otherSignatures: 11, derSignatures: 45,
		otherHash: 25, otherCurve: 20, curveAndHash: 2,
	}
	read := map[string]bool{}
	for _, f := range josePlan() {
		read[f.file] = true
	}
	for _, f := range rawPlan() {
		read[f.file] = true
	}
	names, err := fs.Glob(wycheproof.TestVectors, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	got, used := map[string]int{}, map[string]bool{}
	for _, name := range names {
		if read[name] {
			got["is read"]++
			continue
		}
		why := ""
		for _, rule := range unread() {
			if matched, err := path.Match(rule[0], name); err != nil || matched {
				why, used[rule[0]] = rule[1], true
				break
			}
		}
		if why == "" {
			t.Errorf("nobody has decided on %s", name)
		}
		got[why]++
	}
	for _, rule := range unread() {
		if !used[rule[0]] {
			t.Errorf("no file matches %s", rule[0])
		}
	}
	t.Logf("of %d files: %v", len(names), got)
	if !maps.Equal(got, want) {
		t.Errorf("the files are %v, want %v", got, want)
	}
}
