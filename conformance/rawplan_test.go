package conformance

import "testing"

// rawPlan lists the files with signatures, and how their vectors end.
func rawPlan() []rawFile {
	return []rawFile{
		{"rsa_signature_2048_sha256_test.json", "RS", counts{passed: 258, stricter: 1}},
		{"rsa_signature_2048_sha384_test.json", "RS", counts{passed: 257, stricter: 1}},
		{"rsa_signature_2048_sha512_test.json", "RS", counts{passed: 258, stricter: 1}},
		{"rsa_signature_3072_sha256_test.json", "RS", counts{passed: 258, stricter: 1}},
		{"rsa_signature_3072_sha384_test.json", "RS", counts{passed: 258, stricter: 1}},
		{"rsa_signature_3072_sha512_test.json", "RS", counts{passed: 259, stricter: 1}},
		{"rsa_signature_4096_sha256_test.json", "RS", counts{passed: 257, stricter: 1}},
		{"rsa_signature_4096_sha384_test.json", "RS", counts{passed: 258, stricter: 1}},
		{"rsa_signature_4096_sha512_test.json", "RS", counts{passed: 258, stricter: 1}},
		{"rsa_signature_8192_sha256_test.json", "RS", counts{passed: 257, stricter: 1}},
		{"rsa_signature_8192_sha384_test.json", "RS", counts{passed: 258, stricter: 1}},
		{"rsa_signature_8192_sha512_test.json", "RS", counts{passed: 258, stricter: 1}},
		{"rsa_pkcs1_1024_sig_gen_test.json", "RS", counts{stricter: 17, notApplicable: 16}},
		{"rsa_pkcs1_1536_sig_gen_test.json", "RS", counts{stricter: 24, notApplicable: 8}},
		{"rsa_pkcs1_2048_sig_gen_test.json", "RS", counts{passed: 27, notApplicable: 16}},
		{"rsa_pkcs1_3072_sig_gen_test.json", "RS", counts{passed: 26}},
		{"rsa_pkcs1_4096_sig_gen_test.json", "RS", counts{passed: 24}},
		{"rsa_pss_2048_sha256_mgf1_0_params_test.json", "PS", counts{stricter: 61, notApplicable: 42}},
		{"rsa_pss_2048_sha256_mgf1_0_test.json", "PS", counts{stricter: 61, notApplicable: 42}},
		{"rsa_pss_2048_sha256_mgf1_32_params_test.json", "PS", counts{passed: 108}},
		{"rsa_pss_2048_sha256_mgf1_32_test.json", "PS", counts{passed: 108}},
		{"rsa_pss_2048_sha256_mgf1sha1_20_test.json", "PS", counts{stricter: 63, notApplicable: 45}},
		{"rsa_pss_2048_sha384_mgf1_48_test.json", "PS", counts{passed: 141}},
		{"rsa_pss_2048_sha512_mgf1sha256_32_params_test.json", "PS", counts{stricter: 132, notApplicable: 46}},
		{"rsa_pss_3072_sha256_mgf1_32_params_test.json", "PS", counts{passed: 108}},
		{"rsa_pss_3072_sha256_mgf1_32_test.json", "PS", counts{passed: 108}},
		{"rsa_pss_4096_sha256_mgf1_32_test.json", "PS", counts{passed: 108}},
		{"rsa_pss_4096_sha384_mgf1_48_test.json", "PS", counts{passed: 141}},
		{"rsa_pss_4096_sha512_mgf1_32_params_test.json", "PS", counts{stricter: 132, notApplicable: 45}},
		{"rsa_pss_4096_sha512_mgf1_32_test.json", "PS", counts{stricter: 132, notApplicable: 45}},
		{"rsa_pss_4096_sha512_mgf1_64_params_test.json", "PS", counts{passed: 179}},
		{"rsa_pss_4096_sha512_mgf1_64_test.json", "PS", counts{passed: 179}},
		{"rsa_pss_misc_params_test.json", "PS", counts{passed: 3, stricter: 87, notApplicable: 60}},
		{"rsa_pss_misc_test.json", "PS", counts{passed: 3, stricter: 87, notApplicable: 60}},
		{"ecdsa_secp256r1_sha256_p1363_test.json", "ES256", counts{passed: 262}},
		{"ecdsa_secp384r1_sha384_p1363_test.json", "ES384", counts{passed: 280}},
		{"ecdsa_secp521r1_sha512_p1363_test.json", "ES512", counts{passed: 318}},
		{"ed25519_test.json", "Ed25519", counts{passed: 151}},
		{"mldsa_44_verify_test.json", "ML-DSA-44", counts{passed: 173, notApplicable: 7}},
		{"mldsa_65_verify_test.json", "ML-DSA-65", counts{passed: 203, notApplicable: 7}},
		{"mldsa_87_verify_test.json", "ML-DSA-87", counts{passed: 234, notApplicable: 7}},
	}
}

func TestWycheproofSignatures(t *testing.T) {
	files := rawPlan()
	tallies := make([]tally, len(files))
	t.Run("file", func(t *testing.T) {
		for i, f := range files {
			t.Run(f.file, func(t *testing.T) {
				t.Parallel()
				tallies[i] = f.judge(t)
				if got := tallies[i]; got.counts != f.want {
					t.Errorf("%+v, want %+v; failed: %v", got.counts, f.want, got.failed)
				}
			})
		}
	})
	report(t, tallies, map[reason]int{
		noSuchHash: 160, noContext: 21, otherPSS: 263, joseSalt: 2,
		smallRSA: 41, otherSalt: 416, otherMGFHash: 339, noNull: 12,
	})
}
