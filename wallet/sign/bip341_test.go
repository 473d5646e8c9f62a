package sign

import (
	"encoding/hex"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"

	"starling/script"
	"starling/script/descriptor"
	"starling/wire"
)

// The transaction of BIP341's wallet vectors, signed.
const bip341Tx = "020000000001097de20cbff686da83a54981d2b9bab3586f4ca7e48f57f5b55963115f3b334e9c010000000000000000d7b7cab57b1393ace2d064f4d4a2cb8af6def61273e127517d44759b6dafdd990000000000fffffffff8e1f583384333689228c5d28eac13366be082dc57441760d957275419a41842000000006b4830450221008f3b8f8f0537c420654d2283673a761b7ee2ea3c130753103e08ce79201cf32a022079e7ab904a1980ef1c5890b648c8783f4d10103dd62f740d13daa79e298d50c201210279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798fffffffff0689180aa63b30cb162a73c6d2a38b7eeda2a83ece74310fda0843ad604853b0100000000feffffffaa5202bdf6d8ccd2ee0f0202afbbb7461d9264a25e5bfd3c5a52ee1239e0ba6c0000000000feffffff956149bdc66faa968eb2be2d2faa29718acbfe3941215893a2a3446d32acd050000000000000000000e664b9773b88c09c32cb70a2a3e4da0ced63b7ba3b22f848531bbb1d5d5f4c94010000000000000000e9aa6b8e6c9de67619e6a3924ae25696bb7b694bb677a632a74ef7eadfd4eabf0000000000ffffffffa778eb6a263dc090464cd125c466b5a99667720b1c110468831d058aa1b82af10100000000ffffffff0200ca9a3b000000001976a91406afd46bcdfd22ef94ac122aa11f241244a37ecc88ac807840cb0000000020ac9a87f5594be208f8532db38cff670c450ed2fea8fcdefcc9a663f78bab962b0141ed7c1647cb97379e76892be0cacff57ec4a7102aa24296ca39af7541246d8ff14d38958d4cc1e2e478e4d4a764bbfd835b16d4e314b72937b29833060b87276c030141052aedffc554b41f52b521071793a6b88d6dbca9dba94cf34c83696de0c1ec35ca9c5ed4ab28059bd606a4f3a657eec0bb96661d42921b5f50a95ad33675b54f83000141ff45f742a876139946a149ab4d9185574b98dc919d2eb6754f8abaa59d18b025637a3aa043b91817739554f4ed2026cf8022dbd83e351ce1fabc272841d2510a010140b4010dd48a617db09926f729e79c33ae0b4e94b79f04a1ae93ede6315eb3669de185a17d2b0ac9ee09fd4c64b678a0b61a0a86fa888a273c8511be83bfd6810f0247304402202b795e4de72646d76eab3f0ab27dfa30b810e856ff3a46c9a702df53bb0d8cc302203ccc4d822edab5f35caddb10af1be93583526ccfbade4b4ead350781e2f8adcd012102f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f90141a3785919a2ce3c4ce26f298c3d51619bc474ae24014bcdd31328cd8cfbab2eff3395fa0a16fe5f486d12f22a9cedded5ae74feb4bbe5351346508c5405bcfee0020141ea0c6ba90763c2d3a296ad82ba45881abb4f426b3f87af162dd24d5109edc1cdd11915095ba47c3a9963dc1e6c432939872bc49212fe34c632cd3ab9fed429c4820141bbc9584a11074e83bc8c6759ec55401f0ae7b03ef290c3139814f545b58a9f8127258000874f44bc46db7646322107d4d86aec8e73b8719a61fff761d75b5dd9810065cd1d"

// bip341Inputs are what its inputs spend, and how the taproot ones are signed.
var bip341Inputs = []struct {
	script   string
	amount   int64
	private  string // of the internal key; of the others the key itself
	root     string
	hashType uint32
}{
	{"512053a1f6e454df1aa2776a2814a721372d6258050de330b3c6d10ee8f4e0dda343", 420000000, "6b973d88838f27366ed61c9ad6367663045cb456e28335c109e30717ae0c6baa", "", 3},
	{"5120147c9c57132f6e7ecddba9800bb0c4449251c92a1e60371ee77557b6620f3ea3", 462000000, "1e4da49f6aaf4e5cd175fe08a32bb5cb4863d963921255f33d3bc31e1343907f", "5b75adecf53548f3ec6ad7d78383bf84cc57b55a3127c72b9a2481752dd88b21", 131},
	{"76a914751e76e8199196d454941c45d1b3a323f1433bd688ac", 294000000, "0000000000000000000000000000000000000000000000000000000000000001", "", 1},
	{"5120e4d810fd50586274face62b8a807eb9719cef49c04177cc6b76a9a4251d5450e", 504000000, "d3c7af07da2d54f7a7735d3d0fc4f0a73164db638b2f2f7c43f711f6d4aa7e64", "c525714a7f49c28aedbbba78c005931a81c234b2f6c99a73e4d06082adc8bf2b", 1},
	{"512091b64d5324723a985170e4dc5a0f84c041804f2cd12660fa5dec09fc21783605", 630000000, "f36bb07a11e469ce941d16b63b11b9b9120a84d9d87cff2c84a8d4affb438f4e", "ccbd66c6f7e8fdab47b3a486f59d28262be857f30d4773f2d5ea47f7761ce0e2", 0},
	{"00147dd65592d0ab2fe0d0257d571abf032cd9db93dc", 378000000, "0000000000000000000000000000000000000000000000000000000000000003", "", 1},
	{"512075169f4001aa68f15bbed28b218df1d0a62cbbcf1188c6665110c293c907b831", 672000000, "415cfe9c15d9cea27d8104d5517c06e9de48e2f986b695e4f5ffebf230e725d8", "2f6b2c5397b6d68ca18e09a3f05161668ffe93a988582d55c6f07bd5b3329def", 2},
	{"5120712447206d7a5238acc7ff53fbe94a3b64539ad291c7cdbc490b7577e4b17df5", 546000000, "c7b0e81f0a9a0b0499e112279d718cca98e79a12e2f137c72ae5b213aad0d103", "6c2dc106ab816b73f9d07e3cd1ef2c8c1256f519748e0813e4edd2405d277bef", 130},
	{"512077e30a5522dd9f894c3f8b8bd4c4b2cf82ca7da8a3ea6a239655c39c050ab220", 588000000, "77863416be0d0665e517e1c375fd6f75839544eca553675ef7fdf4949518ebaa", "ab179431c28d3b68fb798957faf5497d69c883c6fb1e1cd9f81483d87bac90cc", 129},
}

// TestBIP341 signs all inputs of the vectors' transaction, to the byte.
func TestBIP341(t *testing.T) {
	decode := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	signed, err := wire.ParseTx(decode(bip341Tx))
	if err != nil {
		t.Fatal(err)
	}
	ins, spent := make([]wire.TxIn, len(signed.In)), make([]wire.TxOut, len(signed.In))
	for i, v := range bip341Inputs {
		ins[i] = wire.TxIn{PrevOut: signed.In[i].PrevOut, Sequence: signed.In[i].Sequence}
		spent[i] = wire.TxOut{Value: v.amount, Script: decode(v.script)}
	}
	if err := script.NewVerifier(script.Options{}).Check(signed, spent, script.StandardFlags); err != nil {
		t.Fatal(err)
	}
	s := New(wire.NewTx(signed.Version, ins, signed.Out, signed.LockTime), spent, Options{Rand: zeros{}, AnyR: true})
	for i, v := range bip341Inputs {
		key, pub := btcec.PrivKeyFromBytes(decode(v.private))
		o := descriptor.Output{Script: spent[i].Script, Keys: []descriptor.Key{{Pub: pub.SerializeCompressed()}}}
		if DefaultHashType(o.Script) == script.SigHashDefault {
			o.Taproot = &script.TapTree{Internal: xOf(pub), Output: [32]byte(o.Script[2:])}
			if v.root != "" {
				o.Taproot.Root = decode(v.root)
			}
		}
		var have Signatures
		if n, err := s.Sign(i, &o, NewRing(key), v.hashType, &have); n != 1 || err != nil {
			t.Errorf("input %d: %d signatures, %v", i, n, err)
		}
		sigScript, witness, ok := s.Finish(&o, &have)
		if !ok {
			t.Errorf("input %d is not complete", i)
		}
		ins[i].Script, ins[i].Witness = sigScript, wire.NewWitness(witness...)
	}
	got := wire.NewTx(signed.Version, ins, signed.Out, signed.LockTime)
	if hex.EncodeToString(got.Bytes()) != bip341Tx {
		for i := range ins {
			if want := signed.In[i]; string(want.Script) != string(ins[i].Script) || string(want.Witness.Append(nil)) != string(ins[i].Witness.Append(nil)) {
				t.Errorf("input %d: %x %x, want %x %x", i, ins[i].Script, ins[i].Witness.Stack(), want.Script, want.Witness.Stack())
			}
		}
	}
}
