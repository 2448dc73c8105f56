package deadline_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
)

// A tlsPeer is one end of a TLS connection after the handshake, in the hands of a test: it
// sends records that crypto/tls never sends, and reads nothing.
type tlsPeer struct {
	net.Conn // below TLS
	version  uint16
	aead     cipher.AEAD
	iv       []byte
	seq      uint64 // of the next record
}

// The types of records and messages of TLS.
const (
	recordHandshake    = 22
	recordApplication  = 23
	messageHello       = 0
	messageKeyUpdate   = 24
	keyUpdateRequested = 1
)

// handshakeWithPeer makes a TLS connection of near, whose handshake is made, and a peer of
// far. near is the client, or the server.
func handshakeWithPeer(t *testing.T, near, far net.Conn, version uint16, isClient bool) (*tls.Conn, *tlsPeer) {
	t.Helper()
	var keys bytes.Buffer
	sniffed := &sniffer{Conn: far}
	edit := func(client, server *tls.Config) {
		client.MaxVersion = version
		client.Renegotiation = tls.RenegotiateFreelyAsClient
		client.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
		if server.KeyLogWriter = &keys; !isClient {
			server.KeyLogWriter, client.KeyLogWriter = nil, &keys
		}
	}
	var own, other *tls.Conn
	if isClient {
		own, other = secure(t, near, sniffed, edit)
	} else {
		other, own = secure(t, sniffed, near, edit)
	}
	ended := begin(other.Handshake)
	if err := own.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	peer := &tlsPeer{Conn: far, version: version}
	if version == tls.VersionTLS12 {
		peer.keys12(t, keys.String(), sniffed.written.Bytes())
	} else {
		peer.keys13(t, other.ConnectionState().CipherSuite, keys.String(), !isClient)
	}
	return own, peer
}

// A sniffer keeps what is written.
type sniffer struct {
	net.Conn
	written bytes.Buffer
}

func (c *sniffer) Write(b []byte) (int, error) {
	c.written.Write(b)
	return c.Conn.Write(b)
}

// logged returns the random number and the secret of a line of a key log.
func logged(t *testing.T, keys, label string) (random, secret []byte) {
	t.Helper()
	for line := range strings.Lines(keys) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == label {
			random, _ = hex.DecodeString(fields[1])
			secret, _ = hex.DecodeString(fields[2])
			return random, secret
		}
	}
	t.Fatalf("no %s among the logged keys", label)
	return nil, nil
}

// keys13 derives the keys for sending (RFC 8446, sections 7.1 and 7.3).
func (p *tlsPeer) keys13(t *testing.T, suite uint16, keys string, isClient bool) {
	t.Helper()
	if suite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skipf("the peers have agreed on %s, for which this test has no code", tls.CipherSuiteName(suite))
	}
	label := "SERVER_TRAFFIC_SECRET_0"
	if isClient {
		label = "CLIENT_TRAFFIC_SECRET_0"
	}
	_, secret := logged(t, keys, label)
	expand := func(label string, n int) []byte {
		info := binary.BigEndian.AppendUint16(nil, uint16(n))
		info = append(info, byte(len("tls13 ")+len(label)))
		info = append(info, "tls13 "+label+"\x00"...)
		key, err := hkdf.Expand(sha256.New, secret, string(info), n)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	p.setKey(t, expand("key", 16), expand("iv", 12))
}

// keys12 derives the keys of a server (RFC 5246, sections 5 and 6.3, and RFC 5288).
func (p *tlsPeer) keys12(t *testing.T, keys string, written []byte) {
	t.Helper()
	clientRandom, master := logged(t, keys, "CLIENT_RANDOM")
	serverRandom := written[11:43] // after two headers and the version
	seed := append([]byte("key expansion"), serverRandom...)
	seed = append(seed, clientRandom...)
	mac := func(parts ...[]byte) []byte {
		h := hmac.New(sha256.New, master)
		for _, part := range parts {
			h.Write(part)
		}
		return h.Sum(nil)
	}
	var block []byte
	for a := mac(seed); len(block) < 40; a = mac(a) {
		block = append(block, mac(a, seed)...)
	}
	p.setKey(t, block[16:32], block[36:40])
	p.seq = 1 // the server has sent its Finished message
}

func (p *tlsPeer) setKey(t *testing.T, key, iv []byte) {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	if p.aead, err = cipher.NewGCM(block); err != nil {
		t.Fatal(err)
	}
	p.iv = iv
}

// record returns the next record with that content.
func (p *tlsPeer) record(contentType byte, content ...byte) []byte {
	seq := binary.BigEndian.AppendUint64(nil, p.seq)
	p.seq++
	header := func(contentType byte, n int) []byte {
		return []byte{contentType, 3, 3, byte(n >> 8), byte(n)}
	}
	if p.version == tls.VersionTLS12 {
		sealed := p.aead.Seal(nil, append(p.iv[:4:4], seq...), content, append(seq, header(contentType, len(content))...))
		return append(append(header(contentType, len(seq)+len(sealed)), seq...), sealed...)
	}
	nonce := bytes.Clone(p.iv)
	for i, b := range seq {
		nonce[4+i] ^= b
	}
	content = append(bytes.Clone(content), contentType)
	outer := header(recordApplication, len(content)+p.aead.Overhead())
	return p.aead.Seal(outer, nonce, content, outer)
}

// requestKeyUpdate sends a key update that asks for one in return.
func (p *tlsPeer) requestKeyUpdate() error {
	return p.send(p.record(recordHandshake, messageKeyUpdate, 0, 0, 1, keyUpdateRequested))
}

// requestRenegotiation sends a hello request (TLS 1.2).
func (p *tlsPeer) requestRenegotiation() error {
	return p.send(p.record(recordHandshake, messageHello, 0, 0, 0))
}

// sendBadRecord sends a record that cannot be decrypted. It is answered by an alert.
func (p *tlsPeer) sendBadRecord() error {
	record := p.record(recordApplication, []byte("data")...)
	record[len(record)-1]++
	return p.send(record)
}

func (p *tlsPeer) send(record []byte) error {
	_, err := p.Conn.Write(record)
	return err
}

// drain reads for ever.
func (p *tlsPeer) drain() { io.Copy(io.Discard, p.Conn) }
