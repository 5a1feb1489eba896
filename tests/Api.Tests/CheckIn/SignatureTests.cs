using System.Net.Security;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FleetMdm.Testing;
using RealSignature = FleetMdm.VirtualFleet.Enrolment.MdmSignature;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary><c>Mdm-Signature</c> as iPads were seen to send it: BER of indefinite length, SHA-1, no signed attributes.</summary>
public sealed class SignatureTests(DeviceServer server) : IClassFixture<DeviceServer>
{
    public static TheoryData<bool> Keys => [true, false];

    [Theory, MemberData(nameof(Keys))]
    public async Task An_iPad_enrols_and_works_with_signatures_alone(bool rsa)
    {
        var udid = Guid.NewGuid().ToString();
        using var certificate = await server.IssueIdentity(rsa);
        Assert.Equal(200, (await Send(Message.Authenticate(udid), body => RealSignature.Sign(body, certificate))).Status);
        Assert.Equal(200, (await Send(Message.TokenUpdate(udid), body => RealSignature.Sign(body, certificate))).Status);
        Assert.Equal(200, (await Send(Message.Report(udid, "Idle"), body => RealSignature.Sign(body, certificate))).Status);
        // With signed attributes, too; and whatever clock the iPad has.
        Assert.Equal(200, (await Send(Message.Report(udid, "Idle"), body => RealSignature.Sign(body, certificate, new DateTimeOffset(2016, 1, 1, 0, 0, 0, TimeSpan.Zero)))).Status);
        Assert.Equal(200, (await Send(Message.Report(udid, "Idle"), body => DeviceServer.Sign(body, certificate))).Status);
    }

    [Fact]
    public async Task It_begins_as_those_of_real_iPads_do()
    {
        using var certificate = await server.IssueIdentity(rsa: true);
        Assert.StartsWith("MIAGCSqGSIb3DQEHAqCAMIACAQExCzAJBgUrDgMCGgUAMIAGCSqGSIb3DQEHAQAAoIA", RealSignature.Sign([1, 2, 3], certificate), StringComparison.Ordinal);
        // And means what it says to somebody else's reader.
        var cms = new SignedCms(new ContentInfo([1, 2, 3]), detached: true);
        cms.Decode(Convert.FromBase64String(RealSignature.Sign([1, 2, 3], certificate)));
        cms.CheckSignature(verifySignatureOnly: true);
        Assert.Empty(cms.SignerInfos[0].SignedAttributes);
    }

    [Fact]
    public async Task A_signature_over_another_body_is_refused()
    {
        using var certificate = await server.IssueIdentity(rsa: true);
        var answer = await Send(Message.Authenticate(Guid.NewGuid().ToString()), _ => RealSignature.Sign([1], certificate));
        Assert.Equal(400, answer.Status);
        Assert.Contains("identity-wrong-body", answer.Body);
    }

    private Task<DeviceServer.Answer> Send(string plist, Func<byte[], string> sign) => Send(server, plist, sign);

    internal static Task<DeviceServer.Answer> Send(DeviceServer server, string plist, Func<byte[], string> sign)
    {
        var body = Encoding.UTF8.GetBytes(plist);
        return server.Put(plist.Contains("MessageType", StringComparison.Ordinal) ? "/mdm/checkin" : "/mdm/connect", body, ("Mdm-Signature", sign(body)));
    }
}

/// <summary>A server whose administrator wants no SHA-1, and signatures of now.</summary>
public sealed class StrictSignatureTests(StrictSignatureTests.Server server) : IClassFixture<StrictSignatureTests.Server>
{
    public sealed class Server : DeviceServer
    {
        protected override IEnumerable<string> Further(TemporaryFolder folder) => ["--Mdm:AllowSha1Signatures=false", "--Mdm:SigningTimeToleranceMinutes=10"];
    }

    [Fact]
    public async Task SHA_1_is_refused_and_SHA_256_taken()
    {
        using var certificate = await server.IssueIdentity(rsa: true);
        var plist = Message.Authenticate(Guid.NewGuid().ToString());
        var refused = await SignatureTests.Send(server, plist, body => RealSignature.Sign(body, certificate));
        Assert.Equal(400, refused.Status);
        Assert.Contains("identity-unsupported-algorithm", refused.Body);
        var taken = await SignatureTests.Send(server, plist, body => Sign(body, certificate, null));
        Assert.True(taken.Status == 200, taken.Body);
    }

    [Theory]
    [InlineData(-9, 200)]
    [InlineData(9, 200)]
    [InlineData(-11, 400)]
    [InlineData(11, 400)]
    public async Task A_signature_of_another_time_is_refused(int minutes, int status)
    {
        using var certificate = await server.IssueIdentity(rsa: true);
        var answer = await SignatureTests.Send(server, Message.Authenticate(Guid.NewGuid().ToString()),
            body => Sign(body, certificate, TimeProvider.System.GetUtcNow().AddMinutes(minutes)));
        Assert.Equal(status, answer.Status);
        if (status == 400) Assert.Contains("identity-wrong-time", answer.Body);
    }

    private static string Sign(byte[] body, X509Certificate2 certificate, DateTimeOffset? at)
    {
        var cms = new SignedCms(new ContentInfo(body), detached: true);
        var signer = new CmsSigner(certificate) { IncludeOption = X509IncludeOption.EndCertOnly };
        if (at is { } time) signer.SignedAttributes.Add(new Pkcs9SigningTime(time.UtcDateTime));
        cms.ComputeSignature(signer);
        return Convert.ToBase64String(cms.Encode());
    }
}

/// <summary>A server that ends TLS itself and wants the certificate from there.</summary>
public sealed class ClientCertificateTests(ClientCertificateTests.Server server) : IClassFixture<ClientCertificateTests.Server>
{
    public sealed class Server : DeviceServer
    {
        protected override IEnumerable<string> Further(TemporaryFolder folder) =>
            ["--Http:Listen=https://127.0.0.1:0", "--Mdm:RequireClientCertificate=true", "--Mdm:ClientCertificateHeader=X-Cert", "--Mdm:TrustedProxies:0=192.0.2.1"];
    }

    [Fact]
    public async Task A_signature_is_no_substitute_for_the_certificate_of_the_connection()
    {
        using var certificate = await server.IssueIdentity(rsa: true);
        var body = Encoding.UTF8.GetBytes(Message.Authenticate(Guid.NewGuid().ToString()));
        var (status, text) = await Send(body, certificate, null);
        Assert.Equal(400, status);
        Assert.Contains("Mdm:RequireClientCertificate", text);
        Assert.Equal(200, (await Send(body, certificate, certificate)).Status);
    }

    private async Task<(int Status, string Body)> Send(byte[] body, X509Certificate2 signer, X509Certificate2? tls)
    {
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
                ClientCertificateContext = tls is null ? null : SslStreamCertificateContext.Create(tls, null, offline: true),
            },
        };
        using var http = new HttpClient(handler) { BaseAddress = server.Address };
        using var request = new HttpRequestMessage(HttpMethod.Put, "/mdm/checkin") { Content = new ByteArrayContent(body) };
        request.Headers.TryAddWithoutValidation("Mdm-Signature", RealSignature.Sign(body, signer));
        using var response = await http.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
