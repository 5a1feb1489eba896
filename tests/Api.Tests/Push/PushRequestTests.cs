using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Protocol.Plist;
using FleetMdm.Testing;

namespace FleetMdm.Api.Tests.Push;

/// <summary>From the request that is made here to the certificate that Apple made from it.</summary>
public sealed class PushRequestTests
{
    private const string Path = "/api/v1/push-certificate/request";

    [Fact]
    public async Task The_key_stays_here_and_joins_the_certificate_that_comes_alone()
    {
        await using var server = await PushServer.Start();
        using var none = await server.Admin.GetAsync(Path);
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);

        var request = await Make(server);
        Assert.Null(request["signedRequest"]);
        var csr = (string)request["request"]!;
        Assert.DoesNotContain("KEY-----", request.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(csr, (string?)(await Make(server))["request"]);

        using var alone = server.Apns.Authority.IssuePushCertificate(csr);
        var installed = await Json(await server.Put(alone.ExportCertificatePem()), HttpStatusCode.OK);
        Assert.Equal(alone.SerialNumber, (string?)installed["serialNumber"]);
        using var done = await server.Admin.GetAsync(Path);
        Assert.Equal(HttpStatusCode.NotFound, done.StatusCode);
    }

    [Fact]
    public async Task A_viewer_may_neither_make_a_request_nor_throw_one_away()
    {
        await using var server = await PushServer.Start();
        var request = (string?)(await Make(server))["request"];
        using var made = await server.Admin.PostAsync("/api/v1/tokens", new StringContent("""{"name": "reader", "role": "viewer"}""", Encoding.UTF8, "application/json"));
        using var viewer = new HttpClient { BaseAddress = server.Admin.BaseAddress };
        viewer.DefaultRequestHeaders.Authorization = new("Bearer", (string)(await Json(made, HttpStatusCode.Created))["token"]!);
        foreach (var path in new[] { Path, Path + "?anew=true", "/push-certificate/request", "/push-certificate" })
        {
            using var form = new FormUrlEncodedContent([]);
            using var refused = await viewer.PostAsync(path, path.StartsWith("/api", StringComparison.Ordinal) ? null : form);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }

        Assert.Equal(request, (string?)(await Json(await server.Admin.GetAsync(Path), HttpStatusCode.OK))["request"]);
    }

    [Fact]
    public async Task A_certificate_of_a_request_that_was_thrown_away_is_refused_and_the_one_in_use_stays()
    {
        await using var server = await PushServer.Start();
        using var inUse = server.Apns.Authority.MintPushCertificate();
        await Json(await server.Put(inUse.ToPem()), HttpStatusCode.OK);
        var old = (string)(await Make(server))["request"]!;
        var anew = (string)(await Make(server, "?anew=true"))["request"]!;
        Assert.NotEqual(old, anew);

        using var late = server.Apns.Authority.IssuePushCertificate(old, inUse.Topic);
        var refused = await Json(await server.Put(late.ExportCertificatePem()), HttpStatusCode.UnprocessableEntity);
        Assert.Equal("push-certificate-key-does-not-match", (string?)refused["code"]);
        var present = await Json(await server.Admin.GetAsync("/api/v1/push-certificate"), HttpStatusCode.OK);
        Assert.Equal(inUse.Certificate.SerialNumber, (string?)present["serialNumber"]);

        using var renewed = server.Apns.Authority.IssuePushCertificate(anew, inUse.Topic);
        Assert.Equal(renewed.SerialNumber, (string?)(await Json(await server.Put(renewed.ExportCertificatePem()), HttpStatusCode.OK))["serialNumber"]);
    }

    [Fact]
    public async Task The_page_leads_through_it()
    {
        await using var server = await PushServer.Start();
        var page = await server.Admin.GetStringAsync("/push-certificate");
        Assert.Contains("None is installed", page, StringComparison.Ordinal);
        Assert.Contains("Make request", page, StringComparison.Ordinal);
        Assert.Contains("/push-certificate", await server.Admin.GetStringAsync("/"), StringComparison.Ordinal);

        using var made = await server.Admin.PostAsync("/push-certificate/request", new StringContent("key=a", Encoding.UTF8, "application/x-www-form-urlencoded"));
        Assert.Contains("Download the request for a vendor", await server.Admin.GetStringAsync("/push-certificate"), StringComparison.Ordinal);
        var csr = await server.Admin.GetStringAsync("/push-certificate/request.csr");
        using var unsigned = await server.Admin.GetAsync("/push-certificate/request.plist");
        Assert.Equal(HttpStatusCode.NotFound, unsigned.StatusCode);

        using var alone = server.Apns.Authority.IssuePushCertificate(csr);
        using var form = new MultipartFormDataContent { { new StringContent(alone.ExportCertificatePem()), "certificate", "MDM_.pem" }, { new StringContent(""), "password" } };
        using var installed = await server.Admin.PostAsync("/push-certificate", form);
        var after = await server.Admin.GetStringAsync("/push-certificate");
        Assert.Contains(alone.SerialNumber, after, StringComparison.Ordinal);
        Assert.Contains("Make request", after, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_a_vendor_certificate_the_request_comes_signed_for_Apple()
    {
        using var folder = new TemporaryFolder();
        using var key = RSA.Create(2048);
        var vendor = new CertificateRequest("CN=MDM Vendor", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = vendor.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(30));
        await File.WriteAllTextAsync(folder.File("vendor.pem"), certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem());
        await using var server = await PushServer.Start($"--Push:VendorCertificateFile={folder.File("vendor.pem")}");

        var request = await Make(server);

        var signed = (string)request["signedRequest"]!;
        var plist = PlistReader.ReadDictionary(Convert.FromBase64String(signed), PlistLimits.Admin);
        var csr = Convert.FromBase64String(plist.GetString("PushCertRequestCSR")!);
        Assert.Equal((string?)request["request"], PemEncoding.WriteString("CERTIFICATE REQUEST", csr) + "\n");
        Assert.True(key.VerifyData(csr, Convert.FromBase64String(plist.GetString("PushCertSignature")!), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        Assert.Contains("Download the request for Apple", await server.Admin.GetStringAsync("/push-certificate"), StringComparison.Ordinal);
        Assert.Equal(signed, await server.Admin.GetStringAsync("/push-certificate/request.plist"));
    }

    private static async Task<JsonObject> Make(PushServer server, string query = "") =>
        await Json(await server.Admin.PostAsync(Path + query, null), HttpStatusCode.Created);

    private static async Task<JsonObject> Json(HttpResponseMessage response, HttpStatusCode status)
    {
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync();
            Assert.True(response.StatusCode == status, $"{response.StatusCode}: {text}");
            return JsonNode.Parse(text)!.AsObject();
        }
    }
}
