package walletrpc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/store"
	"starling/wallet"
)

const walletCategory = "Wallet"

func (a *api) walletFileMethods() []*jsonrpc.Method {
	const category = walletCategory
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "createwallet", Category: category, Waits: true,
			Summary: "Makes a wallet and loads it. Its keys come from a seed phrase (BIP39), which restores it anywhere;\n" +
				"show_mnemonic has it returned, for it to be written down.",
			Examples: [][]any{{"savings"}, {"watch", true}}}, a.createWallet),
		jsonrpc.Define(jsonrpc.Method{Name: "loadwallet", Category: category,
			Summary:  "Loads a wallet from disk.",
			Examples: [][]any{{"savings"}}}, a.loadWallet),
		jsonrpc.Define(jsonrpc.Method{Name: "unloadwallet", Category: category,
			Summary:  "Writes a wallet to disk and forgets it: the one named, or that of the request's path.",
			Examples: [][]any{{"savings"}}}, a.unloadWallet),
		jsonrpc.Define(jsonrpc.Method{Name: "listwallets", Category: category,
			Summary: "Lists the wallets that are loaded.",
			Returns: "Their names"}, a.listWallets),
		jsonrpc.Define(jsonrpc.Method{Name: "listwalletdir", Category: category,
			Summary: "Lists the wallets on disk."}, a.listWalletDir),
		jsonrpc.Define(jsonrpc.Method{Name: "getwalletinfo", Category: category,
			Summary: "Tells how the wallet stands."}, a.getWalletInfo),
		jsonrpc.Define(jsonrpc.Method{Name: "backupwallet", Category: category,
			Summary:  "Writes a copy of the wallet to a file, which must not exist. Secrets in it are as well protected\nas in the wallet.",
			Examples: [][]any{{"/media/stick/savings.dat"}}}, a.backupWallet),
		jsonrpc.Define(jsonrpc.Method{Name: "restorewallet", Category: category, Waits: true,
			Summary:  "Makes a wallet of a backup and loads it.",
			Examples: [][]any{{"savings", "/media/stick/savings.dat"}}}, a.restoreWallet),
		jsonrpc.Define(jsonrpc.Method{Name: "encryptwallet", Category: category,
			Summary:  "Encrypts the wallet's secrets with a passphrase and locks it. The seed phrase stays the same.",
			Returns:  "What to do next",
			Examples: [][]any{{"a long passphrase"}}}, a.encryptWallet),
		jsonrpc.Define(jsonrpc.Method{Name: "walletpassphrase", Category: category,
			Summary:  "Unlocks the wallet for a time.",
			Examples: [][]any{{"a long passphrase", 60}}}, a.walletPassphrase),
		jsonrpc.Define(jsonrpc.Method{Name: "walletlock", Category: category,
			Summary: "Locks the wallet."}, a.walletLock),
		jsonrpc.Define(jsonrpc.Method{Name: "walletpassphrasechange", Category: category,
			Summary:  "Changes the wallet's passphrase.",
			Examples: [][]any{{"old one", "new one"}}}, a.walletPassphraseChange),
		jsonrpc.Define(jsonrpc.Method{Name: "getwalletmnemonic", Category: category,
			Summary: "Shows the seed phrase. Whoever knows it owns the wallet's money."}, a.getWalletMnemonic),
		jsonrpc.Define(jsonrpc.Method{Name: "rescanblockchain", Category: category, Waits: true,
			Summary:  "Reads the chain again for the wallet's payments, from a height on, to\na height or the tip.",
			Examples: [][]any{{}, {100000}}}, a.rescanBlockchain),
		jsonrpc.Define(jsonrpc.Method{Name: "abortrescan", Category: category,
			Summary: "Ends a rescan.",
			Returns: "Whether there was one"}, a.abortRescan),
	}
}

type createWalletParams struct {
	Name          string   `rpc:"wallet_name" help:"What to call it"`
	NoKeys        bool     `rpc:"disable_private_keys" default:"false" help:"Only watch"`
	Blank         bool     `rpc:"blank" default:"false" help:"Make no keys; import them later"`
	Passphrase    *string  `rpc:"passphrase" help:"Encrypts the secrets"`
	AvoidReuse    bool     `rpc:"avoid_reuse" default:"false" help:"Not supported"`
	Descriptors   bool     `rpc:"descriptors" default:"true" help:"There are no others"`
	LoadOnStartup *bool    `rpc:"load_on_startup" help:"Load it at every start; left out, it is not, unless its name is default"`
	External      bool     `rpc:"external_signer" default:"false" help:"Not supported"`
	Mnemonic      string   `rpc:"mnemonic" default:"\"\"" help:"The seed phrase of a wallet to restore; the chain is read from its birthday on"`
	Extra         string   `rpc:"mnemonic_passphrase" default:"\"\"" help:"The phrase's own passphrase (BIP39)"`
	Words         *int     `rpc:"mnemonic_words" help:"How many words a new phrase has, 12 (the default) or 24"`
	Show          bool     `rpc:"show_mnemonic" default:"false" help:"Return the phrase"`
	Birthday      int64    `rpc:"birthday" default:"0" help:"When the first payment can have been made, in seconds since 1970"`
	Gap           int32    `rpc:"gap" default:"0" help:"How many unused addresses are watched; 0 for 1,000"`
	Kinds         []string `rpc:"address_types" default:"[]" item:"type" help:"Kinds of addresses to restore: legacy, p2sh-segwit, bech32, bech32m (default the last two)"`
}

// ownName returns the wallet that a call names, by its path or by an argument; it
// refuses calls that name two.
func ownName(ctx context.Context, name *string) (string, error) {
	path, ok := walletName(ctx)
	switch {
	case name == nil && !ok:
		return "", jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Either the RPC endpoint wallet or the wallet name parameter must be provided")
	case name == nil:
		return path, nil
	case ok && path != *name:
		return "", jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "The RPC endpoint wallet and the wallet name parameter specify different wallets")
	}
	return *name, nil
}

func (a *api) createWallet(ctx context.Context, p createWalletParams) (rpctypes.CreatedWallet, error) {
	var r rpctypes.CreatedWallet
	m, err := a.manager()
	if err != nil {
		return r, err
	}
	passphrase := ""
	if p.Passphrase != nil {
		passphrase = *p.Passphrase
	}
	switch {
	case !p.Descriptors:
		return r, jsonrpc.Errorf(jsonrpc.CodeWallet, `descriptors argument must be set to "true"; it is no longer possible to create a legacy wallet.`)
	case p.External:
		return r, jsonrpc.Errorf(jsonrpc.CodeWallet, "External signers are not supported")
	case p.AvoidReuse:
		return r, jsonrpc.Errorf(jsonrpc.CodeWallet, "avoid_reuse is not supported")
	case m.IsAhead(p.Birthday):
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "birthday: %s is yet to come", time.Unix(p.Birthday, 0).UTC().Format("2006-01-02 15:04 MST"))
	case p.NoKeys && passphrase != "":
		return r, jsonrpc.Errorf(jsonrpc.CodeWallet, "Passphrase provided but private keys are disabled. A passphrase is only used to encrypt private keys, so cannot be used for wallets with private keys disabled.")
	}
	o := wallet.Options{
		Name: p.Name, Mnemonic: p.Mnemonic, Extra: p.Extra, Birthday: p.Birthday, Gap: p.Gap,
		NoKeys: p.NoKeys, Blank: p.Blank, Passphrase: passphrase,
	}
	if p.Words != nil {
		if *p.Words == 0 {
			return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "mnemonic_words must be 12 or 24")
		}
		o.Words = *p.Words
	}
	for _, s := range p.Kinds {
		kind, err := addressKind(s)
		if err != nil {
			return r, err
		}
		o.Kinds = append(o.Kinds, kind)
	}
	w, mnemonic, err := m.Create(ctx, o)
	if err != nil {
		return r, fileError(p.Name, creation(p.Mnemonic != ""), err)
	}
	r.Name, r.Warnings = w.Name(), remember(m, p.Name, p.LoadOnStartup)
	if p.Show {
		r.Mnemonic = mnemonic
	}
	if p.Passphrase != nil && passphrase == "" {
		r.Warnings = append(r.Warnings, "Empty string given as passphrase, wallet will not be encrypted.")
	}
	// A wallet that is restored has its coins when the call returns. What keeps
	// it from them now does not take the wallet back.
	if err := w.Sync(ctx); err != nil {
		r.Warnings = append(r.Warnings, err.Error())
	}
	return r, nil
}

// creation is what making a wallet is called: of old words it is a restoration.
func creation(words bool) string {
	if words {
		return "restoring"
	}
	return "create"
}

// fileError turns an error about a wallet's file into Core's.
func fileError(name, what string, err error) error {
	var corrupt *store.CorruptError
	var version *store.VersionError
	switch {
	case errors.Is(err, wallet.ErrExists):
		return jsonrpc.Errorf(jsonrpc.CodeWalletExists, "Wallet \"%s\" already exists.", name)
	case errors.Is(err, wallet.ErrLoaded):
		return jsonrpc.Errorf(jsonrpc.CodeWalletLoaded, "Wallet \"%s\" is already loaded.", name)
	case errors.Is(err, wallet.ErrNotFound):
		return jsonrpc.Errorf(jsonrpc.CodeWalletNotFound, "Wallet file verification failed. There is no wallet %q on disk.", name)
	case errors.Is(err, wallet.ErrNotLoaded):
		return jsonrpc.Errorf(jsonrpc.CodeWalletNotFound, "Requested wallet does not exist or is not loaded")
	case errors.Is(err, wallet.ErrName):
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "%v", err)
	case errors.As(err, &corrupt), errors.As(err, &version):
		return jsonrpc.Errorf(jsonrpc.CodeWallet, "Wallet file verification failed. %v", err)
	}
	return jsonrpc.Errorf(jsonrpc.CodeWallet, "Wallet %s failed: %v", what, strings.TrimPrefix(err.Error(), "wallet: "))
}

type loadWalletParams struct {
	Name          string `rpc:"filename" help:"Its name"`
	LoadOnStartup *bool  `rpc:"load_on_startup" help:"Load it at every start, or not; left out, that stays as it is"`
}

func (a *api) loadWallet(ctx context.Context, p loadWalletParams) (rpctypes.CreatedWallet, error) {
	m, err := a.manager()
	if err != nil {
		return rpctypes.CreatedWallet{}, err
	}
	w, err := m.Load(ctx, p.Name)
	if err != nil {
		return rpctypes.CreatedWallet{}, fileError(p.Name, "loading", err)
	}
	return rpctypes.CreatedWallet{Name: w.Name(), Warnings: append(trouble(w), remember(m, p.Name, p.LoadOnStartup)...)}, nil
}

// remember notes whether a wallet is loaded at every start, if the caller has said
// so. If that fails the wallet is there all the same, and what the call has to tell of
// it, such as its phrase, could not be told a second time.
func remember(m *wallet.Manager, name string, on *bool) []string {
	if on == nil {
		return nil
	}
	if err := m.LoadOnStartup(name, *on); err != nil {
		return []string{fmt.Sprintf("It is not noted whether the wallet is to be loaded at every start: %v", err)}
	}
	return nil
}

// trouble says what keeps a wallet from following the chain, if something does.
func trouble(w *wallet.Wallet) []string {
	if err := w.Trouble(); err != nil {
		return []string{err.Error()}
	}
	return nil
}

type unloadWalletParams struct {
	Name          *string `rpc:"wallet_name" help:"Its name"`
	LoadOnStartup *bool   `rpc:"load_on_startup" help:"Load it at every start, or not; left out, that stays as it is"`
}

func (a *api) unloadWallet(ctx context.Context, p unloadWalletParams) (rpctypes.UnloadedWallet, error) {
	m, err := a.manager()
	if err != nil {
		return rpctypes.UnloadedWallet{}, err
	}
	name, err := ownName(ctx, p.Name)
	if err != nil {
		return rpctypes.UnloadedWallet{}, err
	}
	if err := m.Unload(name); err != nil {
		return rpctypes.UnloadedWallet{}, fileError(name, "unloading", err)
	}
	if p.LoadOnStartup != nil {
		if err := m.LoadOnStartup(name, *p.LoadOnStartup); err != nil {
			return rpctypes.UnloadedWallet{}, walletError(err)
		}
	}
	return rpctypes.UnloadedWallet{}, nil
}

func (a *api) listWallets(context.Context, jsonrpc.None) ([]string, error) {
	m, err := a.manager()
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, w := range m.Loaded() {
		names = append(names, w.Name())
	}
	return names, nil
}

func (a *api) listWalletDir(context.Context, jsonrpc.None) (rpctypes.WalletDir, error) {
	r := rpctypes.WalletDir{Wallets: []rpctypes.WalletDirEntry{}}
	m, err := a.manager()
	if err != nil {
		return r, err
	}
	names, err := m.Names()
	if err != nil {
		return r, err
	}
	for _, n := range names {
		r.Wallets = append(r.Wallets, rpctypes.WalletDirEntry{Name: n})
	}
	return r, nil
}

func (a *api) getWalletInfo(ctx context.Context, _ jsonrpc.None) (rpctypes.WalletInfo, error) {
	var r rpctypes.WalletInfo
	w, err := a.keys(ctx)
	if err != nil {
		return r, err
	}
	s := w.Status()
	r = rpctypes.WalletInfo{
		Name: w.Name(), Version: 169900, Format: "starling", TxCount: s.Txs, KeyPool: s.Receive, KeyPoolChange: s.Change,
		Keys: !s.NoKeys, Descriptors: true, Blank: s.Blank, Birthtime: s.Birthday, Seeded: s.Seeded,
		Flags: []string{"descriptor_wallet"},
	}
	if s.NoKeys {
		r.Flags = append(r.Flags, "disable_private_keys")
	}
	if s.Encrypted {
		r.UnlockedUntil = &s.UnlockedUntil
	}
	p, scanning := w.ScanProgress()
	r.Warnings = trouble(w)
	if height, tip, behind := w.Behind(); behind && r.Warnings == nil {
		p, scanning = wallet.Progress{Height: height, To: tip}, true
	}
	if scanning {
		sc := rpctypes.Scanning{Duration: int64(p.For / time.Second)}
		if p.To > p.From {
			sc.Progress = jsonrpc.Float(float64(p.Height-p.From) / float64(p.To-p.From))
		}
		r.Scanning.Value = &sc
	}
	r.LastProcessed.Hash, r.LastProcessed.Height = w.Position()
	return r, nil
}

type pathParams struct {
	Path string `rpc:"destination" help:"The file, or a directory to put it into"`
}

func (a *api) backupWallet(ctx context.Context, p pathParams) (jsonrpc.Null, error) {
	w, err := a.keys(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.Backup(p.Path); err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeWallet, "Error: Wallet backup failed! %v", err)
	}
	return nil, nil
}

type restoreParams struct {
	Name          string `rpc:"wallet_name" help:"What to call it"`
	Path          string `rpc:"backup_file" help:"The backup"`
	LoadOnStartup *bool  `rpc:"load_on_startup" help:"Load it at every start"`
}

func (a *api) restoreWallet(ctx context.Context, p restoreParams) (rpctypes.CreatedWallet, error) {
	m, err := a.manager()
	if err != nil {
		return rpctypes.CreatedWallet{}, err
	}
	w, err := m.Restore(ctx, p.Name, p.Path)
	if err != nil {
		return rpctypes.CreatedWallet{}, fileError(p.Name, "restoring", err)
	}
	r := rpctypes.CreatedWallet{Name: w.Name(), Warnings: remember(m, p.Name, p.LoadOnStartup)}
	if err := w.Sync(ctx); err != nil {
		r.Warnings = append(r.Warnings, err.Error())
	}
	return r, nil
}

type passphraseParams struct {
	Passphrase string `rpc:"passphrase" help:"The passphrase"`
}

func (a *api) encryptWallet(ctx context.Context, p passphraseParams) (string, error) {
	w, err := a.keys(ctx)
	if err != nil {
		return "", err
	}
	switch err := w.Encrypt(p.Passphrase); {
	case errors.Is(err, wallet.ErrEncrypted):
		return "", jsonrpc.Errorf(jsonrpc.CodeWrongEncryption, "Error: running with an encrypted wallet, but encryptwallet was called.")
	case errors.Is(err, wallet.ErrWatchOnly):
		return "", jsonrpc.Errorf(jsonrpc.CodeEncryptionFailed, "Error: wallet does not contain private keys, nothing to encrypt.")
	case p.Passphrase == "":
		return "", jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "passphrase cannot be empty")
	case err != nil:
		return "", jsonrpc.Errorf(jsonrpc.CodeEncryptionFailed, "Error: Failed to encrypt the wallet. %v", err)
	}
	return "wallet encrypted; The seed phrase stays the same, and backups made before are not encrypted.", nil
}

type unlockParams struct {
	Passphrase string `rpc:"passphrase" help:"The wallet's passphrase"`
	Timeout    int64  `rpc:"timeout" help:"After how many seconds it is locked again"`
}

func (a *api) walletPassphrase(ctx context.Context, p unlockParams) (jsonrpc.Null, error) {
	w, err := a.keys(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case !w.Status().Encrypted:
		return nil, jsonrpc.Errorf(jsonrpc.CodeWrongEncryption, "Error: running with an unencrypted wallet, but walletpassphrase was called.")
	case p.Timeout < 0:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Timeout cannot be negative.")
	case p.Passphrase == "":
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "passphrase cannot be empty")
	}
	const longest = 100_000_000
	return nil, walletError(w.Unlock(p.Passphrase, time.Duration(min(p.Timeout, longest))*time.Second))
}

func (a *api) walletLock(ctx context.Context, _ jsonrpc.None) (jsonrpc.Null, error) {
	w, err := a.keys(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.Lock(); err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeWrongEncryption, "Error: running with an unencrypted wallet, but walletlock was called.")
	}
	return nil, nil
}

type changePassphraseParams struct {
	Old string `rpc:"oldpassphrase" help:"The present passphrase"`
	New string `rpc:"newpassphrase" help:"The new one"`
}

func (a *api) walletPassphraseChange(ctx context.Context, p changePassphraseParams) (jsonrpc.Null, error) {
	w, err := a.keys(ctx)
	if err != nil {
		return nil, err
	}
	switch err := w.ChangePassphrase(p.Old, p.New); {
	case errors.Is(err, wallet.ErrNotEncrypted):
		return nil, jsonrpc.Errorf(jsonrpc.CodeWrongEncryption, "Error: running with an unencrypted wallet, but walletpassphrasechange was called.")
	case p.New == "":
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "passphrase cannot be empty")
	default:
		return nil, walletError(err)
	}
}

func (a *api) getWalletMnemonic(ctx context.Context, _ jsonrpc.None) (rpctypes.Mnemonic, error) {
	w, err := a.keys(ctx)
	if err != nil {
		return rpctypes.Mnemonic{}, err
	}
	words, extra, err := w.Mnemonic()
	if err != nil {
		return rpctypes.Mnemonic{}, walletError(err)
	}
	if words == "" {
		return rpctypes.Mnemonic{}, jsonrpc.Errorf(jsonrpc.CodeWallet, "This wallet has no seed phrase")
	}
	return rpctypes.Mnemonic{Mnemonic: words, Extra: extra}, nil
}

type rescanParams struct {
	Start int32  `rpc:"start_height" default:"0" help:"Where to begin"`
	Stop  *int32 `rpc:"stop_height" help:"The last block to read; the tip if left out"`
}

func (a *api) rescanBlockchain(ctx context.Context, p rescanParams) (rpctypes.Rescan, error) {
	var r rpctypes.Rescan
	w, err := a.wallet(ctx)
	if err != nil {
		return r, err
	}
	_, tip := w.Position()
	switch {
	case p.Start < 0 || p.Start > tip:
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid start_height")
	case p.Stop != nil && (*p.Stop < 0 || *p.Stop > tip):
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid stop_height")
	case p.Stop != nil && *p.Stop < p.Start:
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "stop_height must be greater than start_height")
	}
	last, err := w.Rescan(ctx, p.Start, p.Stop)
	var pruned *wallet.PrunedError
	switch {
	case errors.Is(err, wallet.ErrScanAborted):
		return r, jsonrpc.Errorf(jsonrpc.CodeMisc, "Rescan aborted.")
	case errors.As(err, &pruned):
		return r, jsonrpc.Errorf(jsonrpc.CodeMisc, "Can't rescan beyond pruned data. Use RPC call getblockchaininfo to determine your pruned height. "+
			"Blocks up to %d are gone: starling wallet rescan --from %d", pruned.To, pruned.To+1)
	case err != nil:
		return r, walletError(err)
	}
	return rpctypes.Rescan{Start: p.Start, Stop: last}, nil
}

func (a *api) abortRescan(ctx context.Context, _ jsonrpc.None) (bool, error) {
	w, err := a.named(ctx)
	if err != nil {
		return false, err
	}
	return w.AbortRescan(), nil
}
