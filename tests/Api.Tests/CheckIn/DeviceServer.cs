using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Hosting;
using FleetMdm.Protocol.Identity;
using FleetMdm.Silo.Hosting;
using FleetMdm.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>The whole server on SQLite, spoken to as iPads do: PUT in, status and body out.</summary>
public class DeviceServer : IAsyncLifetime
{
    public const int MaxMessageBytes = 128 * 1024;

    private readonly TemporaryFolder _folder = new();
    private WebApplication? _app;
    private HttpClient? _http;

    public IGrainFactory Grains => Service<IGrainFactory>();

    public T Service<T>() where T : notnull => _app!.Services.GetRequiredService<T>();

    /// <summary>Options of a server that differs.</summary>
    protected virtual IEnumerable<string> Further(TemporaryFolder folder) => [];

    /// <summary>What a server that differs adds.</summary>
    protected virtual void Configure(WebApplicationBuilder builder)
    {
    }

    public virtual async ValueTask InitializeAsync()
    {
        _app = ServerHost.Build(
        [
            $"--Storage:DataDirectory={_folder.File("data")}", "--Http:Listen=http://127.0.0.1:0", $"--Mdm:MaxMessageBytes={MaxMessageBytes}",
            "--Mdm:ClientCertificateHeader=Client-Cert", "--Mdm:TrustedProxies:0=127.0.0.1", "--Logging:LogLevel:FleetMdm=Error",
            .. Further(_folder),
        ], Configure);
        await FleetProcess.Start(_app, CancellationToken.None);
        Address = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        _http = new HttpClient { BaseAddress = Address };
    }

    public string DataDirectory => _folder.File("data");

    /// <summary>Where iPads connect.</summary>
    public Uri Address { get; private set; } = null!;

    public virtual async ValueTask DisposeAsync()
    {
        _http?.Dispose();
        if (_app is not null) await _app.DisposeAsync();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>An identity certificate of the server's own CA, with its key.</summary>
    public async Task<X509Certificate2> IssueIdentity(bool rsa = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsaKey = rsa ? RSA.Create(2048) : null;
        var csr = CertificateSigningRequest.Parse((rsaKey is null
            ? new CertificateRequest("CN=iPad", key, HashAlgorithmName.SHA256)
            : new CertificateRequest("CN=iPad", rsaKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)).CreateSigningRequest());
        var authority = await _app!.Services.GetRequiredService<EnrolmentAuthority>().Get();
        var issued = authority.Ca.IssueIdentity(csr, TimeProvider.System.GetUtcNow(), TimeSpan.FromDays(30));
        using var certificate = X509CertificateLoader.LoadCertificate(issued.Der.Span);
        return rsaKey is null ? certificate.CopyWithPrivateKey(key) : certificate.CopyWithPrivateKey(rsaKey);
    }

    /// <summary>One message, its sender proved by a trusted proxy.</summary>
    public Task<Answer> Put(string path, byte[] body, X509Certificate2? certificate) =>
        Put(path, body, certificate is null ? null : ("Client-Cert", $":{Convert.ToBase64String(certificate.RawData)}:"));

    public Task<Answer> Put(string path, string plist, X509Certificate2? certificate) => Put(path, Encoding.UTF8.GetBytes(plist), certificate);

    public async Task<Answer> Put(string path, byte[] body, (string Name, string Value)? header)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, path) { Content = new ByteArrayContent(body) };
        if (header is { } given) request.Headers.TryAddWithoutValidation(given.Name, given.Value);
        using var response = await _http!.SendAsync(request);
        return new Answer(
            (int)response.StatusCode, response.Content.Headers.ContentType?.MediaType, await response.Content.ReadAsStringAsync(),
            response.Headers.WwwAuthenticate.Count > 0);
    }

    /// <summary>The value of an Mdm-Signature over the body.</summary>
    public static string Sign(byte[] body, params X509Certificate2[] signers)
    {
        var cms = new SignedCms(new ContentInfo(body), detached: true);
        foreach (var signer in signers) cms.ComputeSignature(new CmsSigner(signer) { IncludeOption = X509IncludeOption.EndCertOnly });
        return Convert.ToBase64String(cms.Encode());
    }

    public sealed record Answer(int Status, string? ContentType, string Body, bool AsksForCredentials);
}

/// <summary>The bodies that iPads send.</summary>
internal static class Message
{
    public static string Of(string udid, string messageType, string more = "") => Plist(
        $"<key>MessageType</key><string>{messageType}</string><key>UDID</key><string>{udid}</string><key>Topic</key><string>com.apple.mgmt.External.1</string>{more}");

    public static string Authenticate(string udid) => Of(udid, "Authenticate", "<key>OSVersion</key><string>18.3</string><key>SerialNumber</key><string>F1</string>");

    public static string TokenUpdate(string udid) => Of(
        udid, "TokenUpdate", $"<key>Token</key><data>{Convert.ToBase64String(new byte[32])}</data><key>PushMagic</key><string>magic</string>");

    public static string Report(string udid, string status, string? commandUuid = null, string more = "") => Plist(
        $"<key>UDID</key><string>{udid}</string><key>Status</key><string>{status}</string>" +
        (commandUuid is null ? "" : $"<key>CommandUUID</key><string>{commandUuid}</string>") + more);

    public static string Plist(string dict) =>
        $"<?xml version=\"1.0\" encoding=\"UTF-8\"?><!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\"><plist version=\"1.0\"><dict>{dict}</dict></plist>";
}
