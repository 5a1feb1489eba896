using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.VirtualFleet.Enrolment;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>What the simulated iPads sign and encrypt is read here by OpenSSL, which neither they nor the server use for it.</summary>
public sealed class SimulatedScepTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fleetmdm-scep-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task OpenSSL_opens_the_request_and_finds_the_key_the_subject_and_the_challenge()
    {
        using var authorityKey = RSA.Create(2048);
        using var authority = SelfSigned("CN=RA", authorityKey);
        using var key = RSA.Create(2048);
        var request = ScepRequest.Create(Payload, key, authority, new("2.16.840.1.101.3.4.1.2"), TimeProvider.System.GetUtcNow());
        Write("request", request.Message);
        WriteText("ra.pem", authority.ExportCertificatePem());
        WriteText("ra.key", authorityKey.ExportPkcs8PrivateKeyPem());

        // -noverify: the iPad signs with a certificate of its own making; the signature itself is checked.
        await OpenSslAsync("cms", "-verify", "-inform", "DER", "-in", "request", "-noverify", "-binary", "-out", "envelope");
        await OpenSslAsync("cms", "-decrypt", "-inform", "DER", "-in", "envelope", "-recip", "ra.pem", "-inkey", "ra.key", "-binary", "-out", "csr");
        var csr = await OpenSslAsync("req", "-inform", "DER", "-in", "csr", "-noout", "-verify", "-text", "-pubkey");

        Assert.Contains("O = District, CN = iPad of the tests", csr, StringComparison.Ordinal);
        Assert.Contains("only-once", csr, StringComparison.Ordinal);
        Assert.Contains("Digital Signature, Key Encipherment", csr, StringComparison.Ordinal);
        Assert.Contains(key.ExportSubjectPublicKeyInfoPem(), csr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenSSL_finds_the_attributes_of_a_PKCSReq()
    {
        using var authorityKey = RSA.Create(2048);
        using var authority = SelfSigned("CN=RA", authorityKey);
        using var key = RSA.Create(2048);
        var request = ScepRequest.Create(Payload, key, authority, new("2.16.840.1.101.3.4.1.2"), TimeProvider.System.GetUtcNow());
        Write("request", request.Message);

        var text = await OpenSslAsync("cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", "request");

        Assert.Contains($"PRINTABLESTRING:{request.TransactionId}", text, StringComparison.Ordinal);
        Assert.Contains("PRINTABLESTRING:19", text, StringComparison.Ordinal);
        Assert.Contains("2.16.840.1.113733.1.9.5", text, StringComparison.Ordinal);
        Assert.Contains("algorithm: sha256", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenSSL_accepts_the_signature_over_a_message_and_refuses_it_over_another()
    {
        using var key = RSA.Create(2048);
        using var certificate = SelfSigned("CN=iPad", key);
        var body = "<plist/>"u8.ToArray();
        Write("signature", Convert.FromBase64String(new DeviceIdentity(certificate).Sign(body)));
        Write("body", body);
        Write("other", "<plist>.</plist>"u8.ToArray());
        string[] Verify(string content) => ["cms", "-verify", "-inform", "DER", "-in", "signature", "-noverify", "-binary", "-content", content, "-out", "out"];

        await OpenSslAsync(Verify("body"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => OpenSslAsync(Verify("other")));
    }

    private static ScepPayload Payload { get; } = new()
    {
        Url = new Uri("https://localhost/scep"),
        Subject = [("O", "District"), ("2.5.4.3", "iPad of the tests")],
        Challenge = "only-once",
        KeySize = 2048,
        KeyUsage = 5,
    };

    private static X509Certificate2 SelfSigned(string name, RSA key)
    {
        var now = TimeProvider.System.GetUtcNow();
        return new CertificateRequest(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    private void Write(string name, byte[] content) => File.WriteAllBytes(Path.Combine(_folder, name), content);

    private void WriteText(string name, string content) => File.WriteAllText(Path.Combine(_folder, name), content);

    private async Task<string> OpenSslAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("openssl", arguments)
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"openssl {arguments[0]}: {await errors}");
    }
}
