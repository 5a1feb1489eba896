using System.Buffers.Text;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using FleetMdm.Protocol.Attestation;
using FleetMdm.Protocol.Tests.Identity;

namespace FleetMdm.Protocol.Tests.Attestation;

public sealed class AcmeMessageTests
{
    private static readonly ECDsa P256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly ECDsa P384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private static readonly RSA Rsa = RSA.Create(2048);
    private static readonly byte[] Secret = RandomNumberGenerator.GetBytes(32);

    private static string Encode(byte[] bytes) => Base64Url.EncodeToString(bytes);

    private static JsonObject Jwk(AsymmetricAlgorithm key)
    {
        if (key is RSA rsa)
        {
            var numbers = rsa.ExportParameters(false);
            return new JsonObject { ["kty"] = "RSA", ["n"] = Encode(numbers.Modulus!), ["e"] = Encode(numbers.Exponent!) };
        }

        var point = ((ECDsa)key).ExportParameters(false).Q;
        return new JsonObject { ["kty"] = "EC", ["crv"] = key.KeySize == 384 ? "P-384" : "P-256", ["x"] = Encode(point.X!), ["y"] = Encode(point.Y!) };
    }

    private static byte[] Signature(AsymmetricAlgorithm key, byte[] signed) => key is RSA rsa
        ? rsa.SignData(signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
        : ((ECDsa)key).SignData(signed, key.KeySize == 384 ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

    private static byte[] Message(AsymmetricAlgorithm? key = null, Action<JsonObject>? header = null, string payload = "{}", Action<JsonObject>? whole = null)
    {
        key ??= P256;
        var head = new JsonObject { ["alg"] = key is RSA ? "RS256" : key.KeySize == 384 ? "ES384" : "ES256", ["nonce"] = "n", ["url"] = "https://mdm.example/acme/new-account", ["jwk"] = Jwk(key) };
        header?.Invoke(head);
        var signed = $"{Encode(Encoding.UTF8.GetBytes(head.ToJsonString()))}.{Encode(Encoding.UTF8.GetBytes(payload))}";
        var message = new JsonObject { ["protected"] = signed.Split('.')[0], ["payload"] = signed.Split('.')[1], ["signature"] = Encode(Signature(key, Encoding.ASCII.GetBytes(signed))) };
        whole?.Invoke(message);
        return JsonSerializer.SerializeToUtf8Bytes(message);
    }

    private static AcmeProblem Refusal(byte[] body) => Assert.Throws<AcmeException>(() =>
    {
        var message = AcmeMessage.Read(body);
        message.CheckSignature(message.Key!);
        message.ReadPayload().Dispose();
    }).Problem;

    [Fact]
    public void A_message_with_each_kind_of_key_is_read_and_its_signature_checked()
    {
        foreach (var key in new AsymmetricAlgorithm[] { P256, P384, Rsa })
        {
            var message = AcmeMessage.Read(Message(key));
            message.CheckSignature(message.Key!);
            Assert.Equal(("n", "https://mdm.example/acme/new-account", null), (message.Nonce, message.Url, message.KeyId));
            Assert.Equal(key is RSA rsa ? rsa.ExportSubjectPublicKeyInfo() : ((ECDsa)key).ExportSubjectPublicKeyInfo(), message.Key!.PublicKeyInfo);
        }
    }

    [Fact]
    public void A_signature_of_another_key_over_another_payload_or_with_another_algorithm_is_refused()
    {
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(whole: message => message["payload"] = Encode("{\"a\":1}"u8.ToArray()))));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(header: head => head["jwk"] = Jwk(TestPki.EcKey))));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(whole: message => message["signature"] = Encode(new byte[64]))));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(whole: message => message["signature"] = Encode(new byte[63]))));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(whole: message => message["signature"] = "")));
        Assert.Equal(AcmeProblem.BadSignatureAlgorithm, Refusal(Message(header: head => head["alg"] = "none")));
        Assert.Equal(AcmeProblem.BadSignatureAlgorithm, Refusal(Message(header: head => head["alg"] = "HS256")));
        Assert.Equal(AcmeProblem.BadSignatureAlgorithm, Refusal(Message(header: head => head["alg"] = "RS256")));
        Assert.Equal(AcmeProblem.BadSignatureAlgorithm, Refusal(Message(P384, header: head => head["alg"] = "ES256")));
    }

    [Fact]
    public void A_header_that_says_too_little_or_too_much_is_refused()
    {
        foreach (var name in new[] { "alg", "nonce", "url", "jwk" }) Assert.Equal(AcmeProblem.Malformed, Refusal(Message(header: head => head.Remove(name))));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(header: head => head["kid"] = "https://mdm.example/acme/account/1")));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(header: head => head["crit"] = new JsonArray("x"))));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(header: head => head["b64"] = false)));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(header: head => head["nonce"] = 1)));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(header: head => head["url"] = new string('a', 2_049))));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(whole: message => message["header"] = new JsonObject())));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(whole: message => message.Remove("payload"))));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(whole: message => message["payload"] = "e30=")));
        // The same bytes in another spelling.
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(whole: message => message["payload"] = "e31")));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(payload: "[]")));
        // Half of a character in a name.
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(payload: "{\"\\ud800\":1}")));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(payload: "{\"\\ud800\":1,\"\\ud801\":2}")));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(payload: "{\"a\":1,\"a\":2}")));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Message(payload: new string('[', 100) + new string(']', 100))));
    }

    [Fact]
    public void What_is_no_JWS_at_all_is_refused()
    {
        foreach (var text in new[] { "", "{", "[]", "1", "null", "{}", "{\"protected\":1,\"payload\":\"\",\"signature\":\"\"}", "{\"protected\":\"\",\"payload\":\"\",\"signature\":\"\"}" })
            Assert.Equal(AcmeProblem.Malformed, Refusal(Encoding.UTF8.GetBytes(text)));
        // Half of a character.
        foreach (var text in new[] { """{"protected":"\ud800","payload":"","signature":""}""", """{"\ud800":"","payload":"","signature":""}""" }) Assert.Equal(AcmeProblem.Malformed, Refusal(Encoding.UTF8.GetBytes(text)));
        using (var half = JsonDocument.Parse("""{"a":"\ud800","b":"c"}"""))
        {
            Assert.Null(AcmeMessage.Text(half.RootElement, "a"));
            Assert.Equal("c", AcmeMessage.Text(half.RootElement, "b"));
        }

        Assert.Equal(AcmeProblem.Malformed, Refusal(new byte[AcmeMessage.MaxBytes + 1]));
        Assert.Equal(AcmeProblem.Malformed, Refusal(Encoding.UTF8.GetBytes("{\"payload\":\"\",\"payload\":\"\"}")));
    }

    [Fact]
    public void A_key_that_is_weak_broken_or_private_is_refused()
    {
        using var weak = RSA.Create(1024);
        foreach (var change in new Action<JsonObject>[]
        {
            jwk => jwk["kty"] = "oct", jwk => jwk["crv"] = "P-521", jwk => jwk["x"] = "AA", jwk => jwk.Remove("y"), jwk => jwk["d"] = "AA",
        })
        {
            Assert.Equal(AcmeProblem.BadPublicKey, Refusal(Message(header: head => change(head["jwk"]!.AsObject()))));
        }

        Assert.Equal(AcmeProblem.BadPublicKey, Refusal(Message(header: head => head["jwk"] = "text")));
        Assert.Equal(AcmeProblem.BadPublicKey, Refusal(Message(weak)));
        Assert.Equal(AcmeProblem.BadPublicKey, Refusal(Message(Rsa, head => head["jwk"]!["e"] = "Aw")));
        Assert.Equal(AcmeProblem.BadPublicKey, Refusal(Message(Rsa, head => head["jwk"]!["n"] = Encode([0, .. Rsa.ExportParameters(false).Modulus!]))));
        Assert.Equal(AcmeProblem.BadPublicKey, Refusal(Message(Rsa, head => head["jwk"]!["n"] = Encode(new byte[513]))));
        // A point that is on no curve.
        Assert.Equal(AcmeProblem.BadPublicKey, Refusal(Message(header: head => head["jwk"]!["x"] = Encode(RandomNumberGenerator.GetBytes(32)))));
    }

    [Fact]
    public void What_a_stranger_changes_is_refused_in_words_and_soon()
    {
        var good = Message();
        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte).Sample((at, value) =>
        {
            byte[] changed = [.. good[..at], value, .. good[(at + 1)..]];
            var watch = Stopwatch.StartNew();
            try
            {
                var message = AcmeMessage.Read(changed);
                message.CheckSignature(message.Key!);
                Assert.Equal("n", message.Nonce);
            }
            catch (AcmeException)
            {
            }

            return watch.Elapsed < TimeSpan.FromSeconds(5);
        }, iter: 3_000);
    }

    [Fact]
    public void A_nonce_is_ours_for_a_quarter_of_an_hour()
    {
        var nonce = AcmeTokens.CreateNonce(Secret, TestPki.Now);
        Assert.Equal(TestPki.Now + AcmeTokens.NonceLasts, AcmeTokens.ReadNonce(Secret, nonce, TestPki.Now)!.ExpiresAt);
        Assert.NotEqual(nonce, AcmeTokens.CreateNonce(Secret, TestPki.Now));
        Assert.Equal(AcmeTokens.ReadNonce(Secret, nonce, TestPki.Now)!.Sha256, AcmeTokens.ReadNonce(Secret, nonce, TestPki.Now)!.Sha256);
        Assert.Null(AcmeTokens.ReadNonce(Secret, nonce, TestPki.Now.AddMinutes(16)));
        Assert.Null(AcmeTokens.ReadNonce(RandomNumberGenerator.GetBytes(32), nonce, TestPki.Now));
        foreach (var other in new[] { "", "n", nonce[..^1], nonce + "A", (nonce[0] == 'A' ? "B" : "A") + nonce[1..], new string('A', 100_000) }) Assert.Null(AcmeTokens.ReadNonce(Secret, other, TestPki.Now));
    }

    [Fact]
    public void An_account_is_its_key_and_no_nonce()
    {
        var key = AcmeMessage.Read(Message(Rsa)).Key!;
        var account = AcmeTokens.CreateAccount(Secret, key);
        Assert.Equal(key.Sha256, AcmeTokens.ReadAccount(Secret, account)!.Sha256);
        Assert.Null(AcmeTokens.ReadAccount(RandomNumberGenerator.GetBytes(32), account));
        Assert.Null(AcmeTokens.ReadAccount(Secret, AcmeTokens.CreateNonce(Secret, TestPki.Now)));
        Assert.Null(AcmeTokens.ReadNonce(Secret, account, TestPki.Now));
        Assert.Null(AcmeTokens.ReadAccount(Secret, account[..^2]));
    }

    [Fact]
    public void The_names_of_problems_are_those_of_the_RFC()
    {
        Assert.Equal("urn:ietf:params:acme:error:badCSR", AcmeException.TypeOf(AcmeProblem.BadCsr));
        Assert.Equal("urn:ietf:params:acme:error:badNonce", AcmeException.TypeOf(AcmeProblem.BadNonce));
        Assert.Equal("urn:ietf:params:acme:error:badAttestationStatement", AcmeException.TypeOf(AcmeProblem.BadAttestationStatement));
    }
}
