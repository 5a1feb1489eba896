using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Testing;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>An iPad that connects again within hours resumes its TLS session, which spares both sides the costly half of the handshake. OpenSSL's
/// own client, with a certificate of a CA that is not trusted here: the answer tells whether the server saw it.</summary>
public sealed class TlsResumptionTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task A_resumed_session_still_knows_the_client_certificate(string version)
    {
        using var folder = new TemporaryFolder();
        var (certificate, key, session) = (folder.File("certificate.pem"), folder.File("key.pem"), folder.File("session.pem"));
        using (var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256))
        {
            var now = TimeProvider.System.GetUtcNow();
            using var own = new CertificateRequest("CN=iPad", pair, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
            await File.WriteAllTextAsync(certificate, own.ExportCertificatePem());
            await File.WriteAllTextAsync(key, pair.ExportPkcs8PrivateKeyPem());
        }

        var first = await Connect(version, "-cert", certificate, "-key", key, "-sess_out", session);
        // Without the certificate: it can only come from the session.
        var again = await Connect(version, "-sess_in", session);

        Assert.Contains("New, TLS", first, StringComparison.Ordinal);
        Assert.Contains("identity-untrusted-issuer", first, StringComparison.Ordinal);
        Assert.Contains("Reused, TLS", again, StringComparison.Ordinal);
        Assert.Contains("identity-untrusted-issuer", again, StringComparison.Ordinal);
    }

    private async Task<string> Connect(params string[] options)
    {
        string[] arguments = ["s_client", "-connect", $"localhost:{server.Url.Port}", "-ign_eof", .. options];
        using var client = Process.Start(new ProcessStartInfo("openssl", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = Task.WhenAll(client.StandardOutput.ReadToEndAsync(), client.StandardError.ReadToEndAsync());
        await client.StandardInput.WriteAsync("PUT /mdm/connect HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
        await client.StandardInput.FlushAsync();
        // The server closes the connection after its answer, and the client ends.
        await client.WaitForExitAsync().WaitAsync(RunningServer.Guard);
        return string.Concat(await output);
    }
}
