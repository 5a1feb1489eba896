using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Testing;

namespace FleetMdm.Api.Tests.Enrolment;

/// <summary>SCEP with a client that nobody here wrote: strongSwan's <c>pki</c>.</summary>
[Collection(EnrolmentCollection.Name)]
public sealed class StrongSwanTests(EnrolmentHost host) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task StrongSwan_gets_a_certificate_and_renews_it()
    {
        var url = new Uri(host.Http, "scep").AbsoluteUri;
        var invitation = await host.Invite(maxUses: 1);
        await GetCaCertificates(url);
        await Pki("key.pem", "--gen", "--type", "rsa", "--size", "2048", "--outform", "pem");

        // 1. A first certificate by a one-time challenge.
        host.ScepOperations.Clear();
        await Scep(url, "cert.pem", "key.pem", "--password", await host.Challenge(invitation.Id));
        Assert.Contains("POST PKIOperation", host.ScepOperations);
        using var certificate = Load("cert.pem");
        Assert.Matches("^CN=iPad [0-9a-f]{16}, O=Springfield Schools$", certificate.Subject);
        var identity = (await host.Authority.Get()).Verifier.Verify(certificate.RawData, host.Time.GetUtcNow());
        Assert.True(identity.IssuedByUs);
        Assert.Equal(1, (await host.Store.FindInvitation(invitation.Id))!.Uses);
        Verify("cert.pem");

        // 2. Another one, signed with the first.
        await host.Use(certificate);
        await Pki("key2.pem", "--gen", "--type", "rsa", "--size", "3072", "--outform", "pem");
        await Scep(url, "cert2.pem", "key2.pem", "--cert", _folder.File("cert.pem"), "--key", _folder.File("key.pem"));
        using var renewed = Load("cert2.pem");
        Assert.NotEqual(certificate.Thumbprint, renewed.Thumbprint);
        Assert.Equal(3072, renewed.GetRSAPublicKey()!.KeySize);
        Assert.Equal(1, (await host.Store.FindInvitation(invitation.Id))!.Uses);
        Verify("cert2.pem");
    }

    [Fact]
    public async Task StrongSwan_is_told_that_its_challenge_is_wrong()
    {
        var url = new Uri(host.Http, "scep").AbsoluteUri;
        await GetCaCertificates(url);
        await Pki("key.pem", "--gen", "--type", "rsa", "--size", "2048", "--outform", "pem");
        var said = await Scep(url, "cert.pem", "key.pem", expectFailure: true, "--password", "guessed");
        Assert.Contains("badRequest", said, StringComparison.OrdinalIgnoreCase);
    }

    private async Task GetCaCertificates(string url)
    {
        await Run("pki", expectFailure: false, "--scepca", "--url", url, "--caout", _folder.File("ca.pem"), "--raout", _folder.File("ra.pem"), "--outform", "pem");
        Assert.Equal((await host.Authority.Get()).Ca.Certificate.Der, Load("ca.pem").RawData);
    }

    private Task<string> Scep(string url, string output, string key, params string[] more) => Scep(url, output, key, false, more);

    private Task<string> Scep(string url, string output, string key, bool expectFailure, params string[] more) => Pki(output, expectFailure,
    [
        "--scep", "--url", url, "--in", _folder.File(key), "--dn", "O=Springfield Schools, CN=strongSwan", "--outform", "pem",
        "--cacert-enc", _folder.File("ra.pem"), "--cacert-sig", _folder.File("ra.pem"), "--cacert", _folder.File("ca.pem"), .. more,
    ]);

    private Task<string> Pki(string output, params string[] arguments) => Pki(output, false, arguments);

    private async Task<string> Pki(string output, bool expectFailure, params string[] arguments)
    {
        var (text, error) = await RunBoth("pki", expectFailure, arguments);
        await File.WriteAllTextAsync(_folder.File(output), text);
        return error;
    }

    private void Verify(string certificate)
    {
        var said = RunBoth("openssl", false, ["verify", "-purpose", "sslclient", "-x509_strict", "-CAfile", _folder.File("ca.pem"), _folder.File(certificate)]);
        Assert.Contains("OK", said.GetAwaiter().GetResult().Output, StringComparison.Ordinal);
    }

    private X509Certificate2 Load(string name) => X509Certificate2.CreateFromPem(File.ReadAllText(_folder.File(name)));

    private static async Task Run(string program, bool expectFailure, params string[] arguments) => await RunBoth(program, expectFailure, arguments);

    private static async Task<(string Output, string Error)> RunBoth(string program, bool expectFailure, string[] arguments)
    {
        using var guard = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception)
        {
            Assert.Fail($"{program} is missing. Install it: apt-get install -y strongswan-pki libstrongswan-extra-plugins openssl");
            throw;
        }
        using (process)
        {
            var output = process.StandardOutput.ReadToEndAsync(guard.Token);
            var error = process.StandardError.ReadToEndAsync(guard.Token);
            await process.WaitForExitAsync(guard.Token);
            var said = await error;
            if (said.Contains("capability to handle http", StringComparison.OrdinalIgnoreCase) || said.Contains("unable to fetch", StringComparison.OrdinalIgnoreCase))
                said += " (pki fetches with its curl plugin: apt-get install -y libstrongswan-extra-plugins)";
            Assert.True(process.ExitCode == 0 != expectFailure, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {said}");
            return (await output, said);
        }
    }
}
