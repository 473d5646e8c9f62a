package descriptor

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"starling/params"
)

// The keys of Bitcoin Core's tests and of BIP380 to BIP389.
const (
	wif    = "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1"
	hexKey = "03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
	xHex   = "a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
	wifU   = "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss"
	nums   = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0" // nobody has its private key
	hexU   = "04a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea235"

	prv1 = "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxFLJ8HFsTjSyQbLYnMpCqE2VbFWc"
	pub1 = "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL"
	prv2 = "xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJCVVFceUvJFjaPdGZ2y9WACViL4L"
	pub2 = "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y"
	prv3 = "xprv9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso3pGz6ssrdK4PFmM8NSpSBHNqPqm55Qn3LqFtT2emdEXVYsCzC2U"
	pub3 = "xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB"
	prv4 = "xprv9vHkqa6EV4sPZHYqZznhT2NPtPCjKuDKGY38FBWLvgaDx45zo9WQRUT3dKYnjwih2yJD9mkrocEZXo1ex8G81dwSM1fwqWpWkeS3v86pgKt"
	pub4 = "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH"
	prv5 = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"
	pub5 = "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8"
	prv6 = "xprvA2JDeKCSNNZky6uBCviVfJSKyQ1mDYahRjijr5idH2WwLsEd4Hsb2Tyh8RfQMuPh7f7RtyzTtdrbdqqsunu5Mm3wDvUAKRHSC34sJ7in334"
	pub6 = "xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZACTj37sR62cfN7fe5JnJ7dh8zL4fiyLHV"
)

// public replaces the private keys of a text by their public ones.
var public = strings.NewReplacer(wif, hexKey, "KzoAz5CanayRKex3fSLQ2BwJpN7U52gZvxMyk78nDMHuqrUxuSJy", "669b8afcec803a0d323e9a17f3ea8e68e8abe5a278020a929adbec52421adbd0", wifU, hexU, prv1, pub1, prv2, pub2, prv3, pub3, prv4, pub4, prv5, pub5, prv6, pub6)

type properties uint8

const (
	ranged properties = 1 << iota
	hardened
)

// coreVectors are pairs of descriptors and scripts from Bitcoin Core's
// descriptor_tests.cpp and from BIP381 to BIP387. Private and public texts give
// the same scripts. Ranges list the scripts from index 0 on.
var coreVectors = []struct {
	private string
	props   properties
	scripts [][]string
	paths   string // of the keys' origins at index 0
}{
	{private: "combo(" + wif + ")", scripts: [][]string{{"2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bdac", "76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac", "00149a1c78a507689f6f54b847ad1cef1e614ee23f1e", "a91484ab21b1b2fd065d4504ff693d832434b6108d7b87"}}},
	{private: "pk(" + wif + ")", scripts: [][]string{{"2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bdac"}}},
	{private: "pkh([deadbeef/1/2'/3/4']" + wif + ")", scripts: [][]string{{"76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac"}}, paths: "/1/2h/3/4h"},
	{private: "wpkh(" + wif + ")", scripts: [][]string{{"00149a1c78a507689f6f54b847ad1cef1e614ee23f1e"}}},
	{private: "sh(wpkh(" + wif + "))", scripts: [][]string{{"a91484ab21b1b2fd065d4504ff693d832434b6108d7b87"}}},
	{private: "combo(" + wifU + ")", scripts: [][]string{{"41" + hexU + "ac", "76a914b5bd079c4d57cc7fc28ecf8213a6b791625b818388ac"}}},
	{private: "pk(" + wifU + ")", scripts: [][]string{{"41" + hexU + "ac"}}},
	{private: "pkh(" + wifU + ")", scripts: [][]string{{"76a914b5bd079c4d57cc7fc28ecf8213a6b791625b818388ac"}}},
	{private: "sh(pk(" + wif + "))", scripts: [][]string{{"a9141857af51a5e516552b3086430fd8ce55f7c1a52487"}}},
	{private: "sh(pkh(" + wif + "))", scripts: [][]string{{"a9141a31ad23bf49c247dd531a623c2ef57da3c400c587"}}},
	{private: "wsh(pk(" + wif + "))", scripts: [][]string{{"00202e271faa2325c199d25d22e1ead982e45b64eeb4f31e73dbdf41bd4b5fec23fa"}}},
	{private: "wsh(pkh(" + wif + "))", scripts: [][]string{{"0020338e023079b91c58571b20e602d7805fb808c22473cbc391a41b1bd3a192e75b"}}},
	{private: "sh(wsh(pk(" + wif + ")))", scripts: [][]string{{"a91472d0c5a3bfad8c3e7bd5303a72b94240e80b6f1787"}}},
	{private: "sh(wsh(pkh(" + wif + ")))", scripts: [][]string{{"a914b61b92e2ca21bac1e72a3ab859a742982bea960a87"}}},
	{private: "combo([01234567]" + prv1 + ")", scripts: [][]string{{"2102d2b36900396c9282fa14628566582f206a5dd0bcc8d5e892611806cafb0301f0ac", "76a91431a507b815593dfc51ffc7245ae7e5aee304246e88ac", "001431a507b815593dfc51ffc7245ae7e5aee304246e", "a9142aafb926eb247cb18240a7f4c07983ad1f37922687"}}},
	{private: "pk(" + prv2 + "/0)", scripts: [][]string{{"210379e45b3cf75f9c5f9befd8e9506fb962f6a9d185ac87001ec44a8d3df8d4a9e3ac"}}, paths: "/0"},
	{private: "pkh(" + prv3 + "/2147483647'/0)", props: hardened, scripts: [][]string{{"76a914ebdc90806a9c4356c1c88e42216611e1cb4c1c1788ac"}}, paths: "/2147483647h/0"},
	{private: "wpkh([ffffffff/13']" + prv4 + "/1/2/*)", props: ranged, scripts: [][]string{{"0014326b2249e3a25d5dc60935f044ee835d090ba859"}, {"0014af0bd98abc2f2cae66e36896a39ffe2d32984fb7"}, {"00141fa798efd1cbf95cebf912c031b8a4a6e9fb9f27"}}, paths: "/13h/1/2/0"},
	{private: "sh(wpkh(" + prv5 + "/10/20/30/40/*'))", props: ranged | hardened, scripts: [][]string{{"a9149a4d9901d6af519b2a23d4a2f51650fcba87ce7b87"}, {"a914bed59fc0024fae941d6e20a3b44a109ae740129287"}, {"a9148483aa1116eb9c05c482a72bada4b1db24af654387"}}, paths: "/10/20/30/40/0h"},
	{private: "combo(" + prv6 + "/*)", props: ranged, scripts: [][]string{
		{"2102df12b7035bdac8e3bab862a3a83d06ea6b17b6753d52edecba9be46f5d09e076ac", "76a914f90e3178ca25f2c808dc76624032d352fdbdfaf288ac", "0014f90e3178ca25f2c808dc76624032d352fdbdfaf2", "a91408f3ea8c68d4a7585bf9e8bda226723f70e445f087"},
		{"21032869a233c9adff9a994e4966e5b821fd5bac066da6c3112488dc52383b4a98ecac", "76a914a8409d1b6dfb1ed2a3e8aa5e0ef2ff26b15b75b788ac", "0014a8409d1b6dfb1ed2a3e8aa5e0ef2ff26b15b75b7", "a91473e39884cb71ae4e5ac9739e9225026c99763e6687"}}, paths: "/0"},
	{private: "multi(1," + wif + "," + wifU + ")", scripts: [][]string{{"5121" + hexKey + "41" + hexU + "52ae"}}},
	{private: "sortedmulti(1," + wif + "," + wifU + ")", scripts: [][]string{{"5121" + hexKey + "41" + hexU + "52ae"}}},
	{private: "sortedmulti(1," + wifU + "," + wif + ")", scripts: [][]string{{"5121" + hexKey + "41" + hexU + "52ae"}}},
	{private: "sh(multi(2,[00000000/111'/222]" + prv1 + "," + prv2 + "/0))", scripts: [][]string{{"a91445a9a622a8b0a1269944be477640eedc447bbd8487"}}, paths: "/111h/222 /0"},
	{private: "sortedmulti(2," + prv1 + "/*," + prv2 + "/0/0/*)", props: ranged, scripts: [][]string{
		{"5221025d5fc65ebb8d44a5274b53bac21ff8307fec2334a32df05553459f8b1f7fe1b62102fbd47cc8034098f0e6a94c6aeee8528abf0a2153a5d8e46d325b7284c046784652ae"},
		{"52210264fd4d1f5dea8ded94c61e9641309349b62f27fbffe807291f664e286bfbe6472103f4ece6dfccfa37b211eb3d0af4d0c61dba9ef698622dc17eecdf764beeb005a652ae"},
		{"5221022ccabda84c30bad578b13c89eb3b9544ce149787e5b538175b1d1ba259cbb83321024d902e1a2fc7a8755ab5b694c575fce742c48d9ff192e63df5193e4c7afe1f9c52ae"}}, paths: "/0 /0/0/0"},
	{private: "wsh(multi(2," + prv3 + "/2147483647'/0," + prv4 + "/1/2/*," + prv5 + "/10/20/30/40/*'))", props: ranged | hardened, scripts: [][]string{
		{"0020b92623201f3bb7c3771d45b2ad1d0351ea8fbf8cfe0a0e570264e1075fa1948f"}, {"002036a08bbe4923af41cf4316817c93b8d37e2f635dd25cfff06bd50df6ae7ea203"}, {"0020a96e7ab4607ca6b261bfe3245ffda9c746b28d3f59e83d34820ec0e2b36c139c"}}, paths: "/2147483647h/0 /1/2/0 /10/20/30/40/0h"},
	{private: "tr(" + xHex + ")", scripts: [][]string{{"512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11"}}},
	{private: "tr(" + wif + ")", scripts: [][]string{{"512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11"}}},
	{private: "tr(" + prv1 + "/0/*,pk(" + prv1 + "/1/*))", props: ranged, scripts: [][]string{
		{"512078bc707124daa551b65af74de2ec128b7525e10f374dc67b64e00ce0ab8b3e12"}, {"512001f0a02a17808c20134b78faab80ef93ffba82261ccef0a2314f5d62b6438f11"}, {"512021024954fcec88237a9386fce80ef2ced5f1e91b422b26c59ccfc174c8d1ad25"}}, paths: "/0/0 /1/0"},
	{private: "tr(" + xHex + ",pk(669b8afcec803a0d323e9a17f3ea8e68e8abe5a278020a929adbec52421adbd0))",
		scripts: [][]string{{"512017cf18db381d836d8923b1bdb246cfcd818da1a9f0e6e7907f187f0b2f937754"}}},
	{private: "tr(" + xHex + ",{pk(" + prv6 + "/0),{{pk(" + pub1 + "),pk(02df12b7035bdac8e3bab862a3a83d06ea6b17b6753d52edecba9be46f5d09e076)},pk(" + wif + ")}})",
		scripts: [][]string{{"512071fff39599a7b78bc02623cbe814efebf1a404f5d8ad34ea80f213bd8943f574"}}, paths: "/0"},
	{private: "tr(" + wif + ",multi_a(1,KzoAz5CanayRKex3fSLQ2BwJpN7U52gZvxMyk78nDMHuqrUxuSJy))",
		scripts: [][]string{{"5120eb5bd3894327d75093891cc3a62506df7d58ec137fcd104cdd285d67816074f3"}}},
	{private: "tr(" + nums + ",multi_a(2,[00000000/111'/222]" + prv1 + "," + prv2 + "/0))",
		scripts: [][]string{{"51202eea93581594a43c0c8423b70dc112e5651df63984d108d4fc8ccd3b63b4eafa"}}, paths: "/111h/222 /0"},
	{private: "tr(" + nums + ",sortedmulti_a(2,[00000000/111'/222]" + prv1 + "," + prv2 + "/0))",
		scripts: [][]string{{"512016fa6a6ba7e98c54b5bf43b3144912b78a61b60b02f6a74172b8dcb35b12bc30"}}, paths: "/111h/222 /0"},
	{private: "tr(" + nums + ",sortedmulti_a(2," + prv1 + "/*," + prv2 + "/0/0/*))", props: ranged, scripts: [][]string{
		{"5120abd47468515223f58a1a18edfde709a7a2aab2b696d59ecf8c34f0ba274ef772"}, {"5120fe62e7ed20705bd1d3678e072bc999acb014f07795fa02cb8f25a7aa787e8cbd"}, {"51201311093750f459039adaa2a5ed23b0f7a8ae2c2ffb07c5390ea37e2fb1050b41"}}, paths: "/0 /0/0/0"},
	{private: "tr(" + nums + ",multi_a(2," + prv3 + "/2147483647'/0," + prv4 + "/1/2/*," + prv5 + "/10/20/30/40/*'))", props: ranged | hardened, scripts: [][]string{
		{"5120e4c8f2b0a7d3a688ac131cb03248c0d4b0a59bbd4f37211c848cfbd22a981192"}, {"5120827faedaa21e52fca2ac83b53afd1ab7d4d1e6ce67ff42b19f2723d48b5a19ab"}, {"5120647495ed09de61a3a324704f9203c130d655bf3141f9b748df8f7be7e9af55a4"}}, paths: "/2147483647h/0 /1/2/0 /10/20/30/40/0h"},
	{private: "rawtr(" + xHex + ")", scripts: [][]string{{"5120" + xHex}}},
}

func TestCoreVectors(t *testing.T) {
	net := params.Main()
	for _, tc := range coreVectors {
		t.Run(tc.private, func(t *testing.T) {
			priv, err := ParseOne(tc.private, net)
			if err != nil {
				t.Fatal(err)
			}
			inTap := strings.Contains(tc.private, "tr(")
			pubText := public.Replace(tc.private)
			if inTap {
				pubText = strings.ReplaceAll(pubText, hexKey, xHex) // WIF keys there are x coordinates
			}
			pub, err := ParseOne(pubText, net)
			if err != nil {
				t.Fatal(err)
			}
			for name, d := range map[string]*Descriptor{"private": priv, "public": pub, "made public": priv.Public()} {
				if got := d.String(); got != withChecksum(pubText) {
					t.Errorf("%s is printed as %s", name, got)
				}
				if d.IsRange() != (tc.props&ranged != 0) {
					t.Errorf("%s: range %v", name, d.IsRange())
				}
				if d.NeedsPrivate() != (tc.props&hardened != 0) {
					t.Errorf("%s: needs private keys %v", name, d.NeedsPrivate())
				}
			}
			if text, ok := priv.Private(); priv.HasPrivate() && (!ok || text != withChecksum(tc.private)) {
				t.Errorf("with private keys it is printed as %s", text)
			}
			if _, ok := pub.Private(); ok || pub.HasPrivate() {
				t.Error("the public descriptor has private keys")
			}
			for i, want := range tc.scripts {
				got, err := priv.Expand(uint32(i))
				if err != nil {
					t.Fatal(err)
				}
				checkScripts(t, got, want)
				if i == 0 {
					checkPaths(t, got[0], tc.paths)
				}
				for _, o := range got {
					checkInfer(t, o)
				}
				other, err := pub.Expand(uint32(i))
				var needs *NeedsPrivateError
				switch {
				case tc.props&hardened != 0:
					if !errors.As(err, &needs) {
						t.Errorf("hardened keys from public ones: %v", err)
					}
				case err != nil:
					t.Error(err)
				default:
					checkScripts(t, other, want)
				}
			}
			checkNormalized(t, priv, tc.scripts)
		})
	}
}

func checkScripts(t *testing.T, got []Output, want []string) {
	t.Helper()
	var scripts []string
	for _, o := range got {
		scripts = append(scripts, hex.EncodeToString(o.Script))
	}
	if !slices.Equal(scripts, want) {
		t.Errorf("got %s, want %s", scripts, want)
	}
}

func checkPaths(t *testing.T, o Output, want string) {
	t.Helper()
	var paths []string
	for _, k := range o.Keys {
		if k.Origin != nil && len(k.Origin.Path) > 0 {
			paths = append(paths, FormatPath(k.Origin.Path))
		}
	}
	if got := strings.Join(paths, " "); got != want {
		t.Errorf("paths %q, want %q", got, want)
	}
}

// checkInfer finds a descriptor for an output, and the output again from it
// and from a heap of knowledge.
func checkInfer(t *testing.T, o Output) {
	t.Helper()
	net := params.Main()
	d := Infer(o, net)
	if !d.IsSolvable() {
		t.Errorf("%x is inferred as %s", o.Script, d)
	}
	again, err := ParseOne(d.String(), net)
	if err != nil {
		t.Fatalf("%s: %v", d, err)
	}
	out, err := again.Expand(0)
	if err != nil || string(out[0].Script) != string(o.Script) {
		t.Errorf("%s stands for %x, %v", d, out[0].Script, err)
	}
	var known Known
	known.AddOutput(o)
	if got := Infer(known.Solve(o.Script), net); got.String() != d.String() {
		t.Errorf("from what is known it is %s, not %s", got, d)
	}
}

func checkNormalized(t *testing.T, d *Descriptor, scripts [][]string) {
	t.Helper()
	text, err := d.Normalized()
	if err != nil {
		t.Fatal(err)
	}
	n, err := ParseOne(text, params.Main())
	if err != nil || n.HasPrivate() {
		t.Fatalf("normalised %s: %v", text, err)
	}
	for i, want := range scripts {
		got, err := n.Expand(uint32(i))
		if err != nil {
			if !strings.Contains(text, "*'") && !strings.Contains(text, "*h") {
				t.Errorf("normalised %s: %v", text, err)
			}
			return
		}
		checkScripts(t, got, want)
	}
}

func TestNormalized(t *testing.T) {
	for private, want := range map[string]string{
		"pkh(" + prv3 + "/2147483647'/0)":        "pkh([bd16bee5/2147483647h]xpub69H7F5dQzmVd3vPuLKtcXJziMEQByuDidnX3YdwgtNsecY5HRGtAAQC5mXTt4dsv9RzyjgDjAQs9VGVV6ydYCHnprc9vvaA5YtqWyL6hyds/0)",
		"wpkh([ffffffff/13']" + prv4 + "/1/2/*)": "wpkh([ffffffff/13h]" + pub4 + "/1/2/*)",
		"sh(wpkh(" + prv5 + "/10/20/30/40/*'))":  "sh(wpkh(" + pub5 + "/10/20/30/40/*'))",
	} {
		d, err := ParseOne(private, params.Main())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := d.Normalized(); err != nil || got != withChecksum(want) {
			t.Errorf("%s\ngot  %s, %v\nwant %s", private, got, err, want)
		}
	}
	d, err := ParseOne("pkh("+pub3+"/1h/0)", params.Main())
	if err != nil {
		t.Fatal(err)
	}
	var needs *NeedsPrivateError
	if _, err := d.Normalized(); !errors.As(err, &needs) {
		t.Error("normalised without the private key:", err)
	}
}

// TestMultipath has the vectors of BIP389.
func TestMultipath(t *testing.T) {
	for _, tc := range []struct {
		text string
		want []string
	}{
		{"pk(" + prv1 + "/<0;1>)", []string{"pk(" + prv1 + "/0)", "pk(" + prv1 + "/1)"}},
		{"pkh(" + prv3 + "/<2147483647';0>/0)", []string{"pkh(" + prv3 + "/2147483647'/0)", "pkh(" + prv3 + "/0/0)"}},
		{"wpkh([ffffffff/13h]" + prv4 + "/<1;3>/2/*)", []string{"wpkh([ffffffff/13h]" + prv4 + "/1/2/*)", "wpkh([ffffffff/13h]" + prv4 + "/3/2/*)"}},
		{"multi(2," + prv1 + "/<1;2;3>/0/*," + prv2 + "/0/*)", []string{
			"multi(2," + prv1 + "/1/0/*," + prv2 + "/0/*)", "multi(2," + prv1 + "/2/0/*," + prv2 + "/0/*)", "multi(2," + prv1 + "/3/0/*," + prv2 + "/0/*)"}},
		{"tr(" + prv3 + "/<0;1>/*,{pk(" + prv4 + "/<2;3>),pk(" + prv5 + "/<4;5>/*)})", []string{
			"tr(" + prv3 + "/0/*,{pk(" + prv4 + "/2),pk(" + prv5 + "/4/*)})", "tr(" + prv3 + "/1/*,{pk(" + prv4 + "/3),pk(" + prv5 + "/5/*)})"}},
	} {
		ds, err := Parse(tc.text, params.Main())
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		var got []string
		for _, d := range ds {
			text, _ := d.Private()
			body, _, _ := strings.Cut(text, "#")
			got = append(got, body)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s\ngot  %s\nwant %s", tc.text, got, tc.want)
		}
	}
	if _, err := ParseOne("pk("+prv1+"/<0;1>)", params.Main()); err == nil {
		t.Error("ParseOne takes two descriptors")
	}
}

func TestErrors(t *testing.T) {
	long := strings.Repeat("{", 129)
	keys17 := strings.Repeat(","+hexKey, 16)
	for _, tc := range []struct{ text, want string }{
		{"sh(wpkh(03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5))", "wpkh(): Pubkey '03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5' is invalid"},
		{"pkh(deadbeef/1/2'/3/4']" + hexKey + ")", "pkh(): Key origin start '[ character expected but not found, got 'd' instead"},
		{"pkh(]" + hexKey + ")", "pkh(): Key origin start '[ character expected but not found, got ']' instead"},
		{"pkh([deadbeef]/1/2'/3/4']" + hexKey + ")", "pkh(): Multiple ']' characters found for a single pubkey"},
		{"wpkh(" + wifU + ")", "wpkh(): Uncompressed keys are not allowed"},
		{"wsh(pk(" + hexU + "))", "pk(): Uncompressed keys are not allowed"},
		{"sh(wpkh(" + hexU + "))", "wpkh(): Uncompressed keys are not allowed"},
		{"tr(" + hexU + ")", "tr(): Uncompressed keys are not allowed"},
		{"pk(07" + hexU[2:] + ")", "pk(): Hybrid public keys are not allowed"},
		{"combo([012345678]" + pub1 + ")", "combo(): Fingerprint is not 4 bytes (9 characters instead of 8 characters)"},
		{"pkh(" + pub3 + "/2147483648)", "pkh(): Key path value 2147483648 is out of range"},
		{"pkh(" + pub3 + "/1aa)", "pkh(): Key path value '1aa' is not a valid uint32"},
		{"pkh(" + pub3 + "/)", "pkh(): Key path value '' is not a valid uint32"},
		{"pkh(" + pub3 + "/-1)", "pkh(): Key path value '-1' is not a valid uint32"},
		{"wsh(multi(2,[aaagaaaa]" + pub3 + "/2147483647'/0," + pub4 + "/1/2/*))", "Multi: Fingerprint 'aaagaaaa' is not hex"},
		{"wsh(multi(2,[aaaaaaaa]," + pub4 + "/1/2/*))", "Multi: No key provided"},
		{"wsh(multi(2,[aaaaaaa]" + pub3 + "/0," + pub4 + "/1/2/*))", "Multi: Fingerprint is not 4 bytes (7 characters instead of 8 characters)"},
		{"pk(" + hexKey + " )", "pk(): Key '" + hexKey + " ' is invalid due to whitespace"},
		{"pk( " + hexKey + ")", "pk(): Key ' " + hexKey + "' is invalid due to whitespace"},
		{"multi(a," + hexKey + "," + hexU + ")", "Multi threshold 'a' is not valid"},
		{"multi(0," + hexKey + "," + hexU + ")", "Multisig threshold cannot be 0, must be at least 1"},
		{"multi(3," + hexKey + "," + hexU + ")", "Multisig threshold cannot be larger than the number of keys; threshold is 3 but only 2 keys specified"},
		{"multi(3" + strings.Repeat(","+hexKey, 4) + ")", "Cannot have 4 pubkeys in bare multisig; only at most 3 pubkeys"},
		{"sh(multi(16" + keys17 + "))", "P2SH script is too large, 547 bytes is larger than 520 bytes"},
		{"wsh(multi(1" + strings.Repeat(","+hexKey, 21) + "))", "Cannot have 21 keys in multisig; must have between 1 and 20 keys, inclusive"},
		{"wsh(multi(1))", "Cannot have 0 keys in multisig; must have between 1 and 20 keys, inclusive"},
		{"sh(" + hexKey + ")", "A function is needed within P2SH"},
		{"wsh(" + hexKey + ")", "A function is needed within P2WSH"},
		{"sh(combo(" + hexKey + "))", "Can only have combo() at top level"},
		{"wsh(wpkh(" + hexKey + "))", "Can only have wpkh() at top level or inside sh()"},
		{"wsh(sh(pk(" + hexKey + ")))", "Can only have sh() at top level"},
		{"sh(sh(pk(" + hexKey + ")))", "Can only have sh() at top level"},
		{"wsh(wsh(pk(" + hexKey + ")))", "Can only have wsh() at top level or inside sh()"},
		{"sh(tr(" + hexKey + "))", "Can only have tr at top level"},
		{"sh(rawtr(" + hexKey + "))", "Can only have rawtr at top level"},
		{"sh(raw(00))", "Can only have raw() at top level"},
		{"sh(addr(1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa))", "Can only have addr() at top level"},
		{"multi_a(1," + hexKey + ")", "Can only have multi_a/sortedmulti_a inside tr()"},
		{"tr(" + hexKey + ",multi(1," + hexKey + "))", "Can only have multi/sortedmulti at top level, in sh(), or in wsh()"},
		{"rawtr(" + hexKey + "," + hexKey + ")", "rawtr(): only one key expected."},
		{"tr(" + hexKey + "," + long + "pk(" + hexKey + "))", "tr() supports at most 128 nesting levels"},
		{"tr(" + hexKey + ",{pk(" + hexKey + ")})", "tr(): expected ',' after script expression"},
		{"tr(" + hexKey + ",{pk(" + hexKey + "),pk(" + hexKey + "),pk(" + hexKey + ")})", "tr(): expected '}' after script expression"},
		{"tr(" + hexKey + ",pk(" + hexKey + "),pk(" + hexKey + "))", "tr(): expected ')' after script expression"},
		{"pk(" + pub1 + "/<0>)", "pk(): Multipath key path specifiers must have at least two items"},
		{"pk(" + pub1 + "/<0;0>)", "pk(): Duplicated key path value 0 in multipath specifier"},
		{"pk(" + pub1 + "/<0;1>/<2;3>)", "pk(): Multiple multipath key path specifiers found"},
		{"pk([deadbeef/<0;1>]" + pub1 + "/0)", "pk(): Key path value '<0;1>' specifies multipath in a section where multipath is not allowed"},
		{"wsh(multi(2," + pub1 + "/<0;1>," + pub2 + "/<0;1;2>))", "multi(): Multipath derivation paths have mismatched lengths"},
		{"tr(" + pub1 + "/<0;1>,{pk(" + pub2 + "/<0;1>),pk(" + pub3 + "/<0;1;2>)})", "tr(): Multipath subscripts have mismatched lengths"},
		{"tr(" + pub1 + "/<0;1;2>,pk(" + pub2 + "/<0;1>))", "tr(): Multipath internal key mismatches multipath subscripts lengths"},
		{"addr(asdf)", "Address is not valid"},
		{"raw(asdf)", "Raw script is not hex"},
		{"raw(Ü)#00000000", "Invalid characters in payload"},
		{"fun(x)", "'fun(x)' is not a valid descriptor function"},
		{"", "'' is not a valid descriptor function"},
		{"raw(deadbeef)#", "Expected 8 character checksum, not 0 characters"},
		{"raw(deadbeef)#89f8spxmx", "Expected 8 character checksum, not 9 characters"},
		{"raw(deadbeef)#89f8spx", "Expected 8 character checksum, not 7 characters"},
		{"sh(multi(3,[00000000/111'/222]" + pub1 + "," + pub2 + "/0))#tjg09x5t", "Provided checksum 'tjg09x5t' does not match computed checksum 'd4x0uxyv'"},
		{"sh(multi(2,[00000000/111'/222]" + pub1 + "," + pub2 + "/0))#tjq09x4t", "Provided checksum 'tjq09x4t' does not match computed checksum 'tjg09x5t'"},
		{"raw(deadbeef)##9f8spxm", "Multiple '#' symbols"},
		{"pk(" + hexKey + "))", "')' after the descriptor's end"},
		{"pk(tprv8ZgxMBicQKsPe3tpAPFbMxbYMzvtqFV4ZW1YfTTVsxbb4tjxHmoezwPdqvjcTBnhLdcBiwZ7DdCH8gtVQ9xLr3uaU6JFTo5YgBMQTxSmPJ7)", "pk(): key 'tprv8ZgxMBicQKsPe3tpAPFbMxbYMzvtqFV4ZW1YfTTVsxbb4tjxHmoezwPdqvjcTBnhLdcBiwZ7DdCH8gtVQ9xLr3uaU6JFTo5Y…' is not valid"},
	} {
		_, err := Parse(tc.text, params.Main())
		var e *Error
		if !errors.As(err, &e) || e.Reason != tc.want {
			t.Errorf("%s:\ngot  %v\nwant %s", tc.text, err, tc.want)
		}
	}
	if _, err := ParseChecked("raw(deadbeef)", params.Main()); err == nil || err.Error() != "Missing checksum" {
		t.Error("without a checksum:", err)
	}
	if _, err := ParseChecked("raw(deadbeef)#89f8spxm", params.Main()); err != nil {
		t.Error(err)
	}
	if _, err := Parse("raw("+strings.Repeat("00", MaxLength)+")", params.Main()); err == nil {
		t.Error("a descriptor without end is read")
	}
}

// TestInvalidExtended has the keys of BIP32's fifth vector.
func TestInvalidExtended(t *testing.T) {
	for _, k := range []string{
		"xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6LBpB85b3D2yc8sfvZU521AAwdZafEz7mnzBBsz4wKY5fTtTQBm", // public version, private key
		"xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFGTQQD3dC4H2D5GBj7vWvSQaaBv5cxi9gafk7NF3pnBju6dwKvH", // private version, public key
		"xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6Txnt3siSujt9RCVYsx4qHZGc62TG4McvMGcAUjeuwZdduYEvFn", // prefix 04
		"xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFGpWnsj83BHtEy5Zt8CcDr1UiRXuWCmTQLxEK9vbz5gPstX92JQ",
		"xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6N8ZMMXctdiCjxTNq964yKkwrkBJJwpzZS4HS2fxvyYUA4q2Xe4", // prefix 01
		"xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFAzHGBP2UuGCqWLTAPLcMtD9y5gkZ6Eq3Rjuahrv17fEQ3Qen6J",
		"xprv9s2SPatNQ9Vc6GTbVMFPFo7jsaZySyzk7L8n2uqKXJen3KUmvQNTuLh3fhZMBoG3G4ZW1N2kZuHEPY53qmbZzCHshoQnNf4GvELZfqTUrcv", // a root with a parent
		"xpub661no6RGEX3uJkY4bNnPcw4URcQTrSibUZ4NqJEw5eBkv7ovTwgiT91XX27VbEXGENhYRCf7hyEbWrR3FewATdCEebj6znwMfQkhRYHRLpJ",
		"xprv9s21ZrQH4r4TsiLvyLXqM9P7k1K3EYhA1kkD6xuquB5i39AU8KF42acDyL3qsDbU9NmZn6MsGSUYZEsuoePmjzsB3eFKSUEh3Gu1N3cqVUN", // a root with a number
		"xpub661MyMwAuDcm6CRQ5N4qiHKrJ39Xe1R1NyfouMKTTWcguwVcfrZJaNvhpebzGerh7gucBvzEQWRugZDuDXjNDRmXzSZe4c7mnTK97pTvGS8",
		"DMwo58pR1QLEFihHiXPVykYB6fJmsTeHvyTp7hRThAtCX8CvYzgPcn8XnmdfHGMQzT7ayAmfo4z3gY5KfbrZWZ6St24UVf2Qgo6oujFktLHdHY4", // other versions
		"DMwo58pR1QLEFihHiXPVykYB6fJmsTeHvyTp7hRThAtCX8CvYzgPcn8XnmdfHPmHJiEDXkTiJTVV9rHEBUem2mwVbbNfvT2MTcAqj3nesx8uBf9",
		"xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzF93Y5wvzdUayhgkkFoicQZcP3y52uPPxFnfoLZB21Teqt1VvEHx", // private key 0
		"xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFAzHGBP2UuGCqWLTAPLcMtD5SDKr24z3aiUvKr9bJpdrcLg1y3G", // private key n
		"xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6Q5JXayek4PRsn35jii4veMimro1xefsM58PgBMrvdYre8QyULY", // no point
		"xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHL", // checksum
	} {
		var e *Error
		if _, err := ParseExtended(k, params.Main()); !errors.As(err, &e) {
			t.Errorf("%s: %v", k, err)
		}
	}
}

func ExampleDescriptor_Expand() {
	d, err := ParseOne("wpkh([73c5da0a/84h/0h/0h]xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7WyksVFkKB4RHwCD3XyuvPEbvqAQY3rAPshWcMLoP2fMFMKHPJ4ZeZXYVUhLv1VMrjPC7PW6V/0/*)", params.Main())
	if err != nil {
		panic(err)
	}
	out, err := d.Expand(0)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%x %v\n", out[0].Script, out[0].Keys[0].Origin)
	// Output: 0014c0cebcd6c3d3ca8c75dc5ec62ebe55330ef910e2 73c5da0a/84h/0h/0h/0/0
}

// FuzzParse reads arbitrary descriptors; what can be read is printed in a form
// that means the same.
func FuzzParse(f *testing.F) {
	for _, v := range coreVectors {
		f.Add(v.private)
		f.Add(withChecksum(public.Replace(v.private)))
	}
	f.Add("wpkh([ffffffff/13h]" + pub4 + "/<1;3>/2/*h)")
	f.Add("addr(1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa)")
	net := params.Main()
	f.Fuzz(func(t *testing.T, text string) {
		ds, err := Parse(text, net)
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("an error of another type: %v", err)
		}
		for _, d := range ds {
			again, err := ParseOne(d.String(), net)
			if err != nil || again.String() != d.String() {
				t.Fatalf("%s is printed as %s, which is read as %v, %v", text, d, again, err)
			}
			out, err := d.Public().Expand(3)
			var needs *NeedsPrivateError
			if errors.As(err, &needs) {
				continue
			}
			if err != nil {
				if !errors.As(err, &e) {
					t.Fatalf("%s: %v", text, err)
				}
				continue
			}
			same, err := again.Expand(3)
			if err != nil || len(same) != len(out) {
				t.Fatalf("%s: %v", text, err)
			}
			for i := range out {
				if string(same[i].Script) != string(out[i].Script) {
					t.Fatalf("%s: %x and %x", text, out[i].Script, same[i].Script)
				}
				Infer(out[i], net)
			}
		}
	})
}

// TestConcurrent uses one descriptor from several goroutines, which the race
// detector watches.
func TestConcurrent(t *testing.T) {
	d, err := ParseOne("wsh(multi(2,"+prv3+"/2147483647'/0,"+prv4+"/1/2/*,"+prv5+"/10/20/30/40/*'))", params.Main())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range uint32(10) {
				out, err := d.Expand(i)
				if err != nil {
					t.Error(err)
					return
				}
				if k := d.PrivateKeys(i); len(k) != 3 {
					t.Errorf("%d private keys", len(k))
				}
				if _, ok := d.PrivateKey(i, out[0].Keys[1]); !ok {
					t.Error("a private key is missing")
				}
				if _, err := d.Normalized(); err != nil {
					t.Error(err)
				}
				_ = d.Public().String()
			}
		})
	}
	wg.Wait()
}

func BenchmarkExpand(b *testing.B) {
	d, err := ParseOne("wpkh("+pub3+"/0/*)", params.Main())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := uint32(0); b.Loop(); i++ {
		if _, err := d.Expand(i); err != nil {
			b.Fatal(err)
		}
	}
}
