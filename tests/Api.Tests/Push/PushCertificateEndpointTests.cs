using System.Net;
using System.Text.Json.Nodes;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.Push;

public sealed class PushCertificateEndpointTests
{
    private const string Path = "/api/v1/push-certificate";

    [Fact]
    public async Task It_is_uploaded_read_renewed_and_protected()
    {
        await using var server = await PushServer.Start();
        await Problem(await server.Admin.GetAsync(Path), HttpStatusCode.NotFound, "not-found");

        using var first = server.Apns.Authority.MintPushCertificate();
        var installed = await Json(await server.Put(first.ToPem("pa55"), "pa55"));
        Assert.Equal(first.Topic, (string?)installed["topic"]);
        Assert.Equal("good", (string?)installed["standing"]);
        Assert.Equal(364, (int)installed["daysLeft"]!);
        Assert.Equal(0, (long)installed["dependentDevices"]!);
        Assert.DoesNotContain("KEY", installed.ToJsonString(), StringComparison.OrdinalIgnoreCase);

        await server.Enrol(first.Topic);
        var read = await Json(await server.Admin.GetAsync(Path));
        Assert.Equal(1, (long)read["dependentDevices"]!);
        Assert.Equal(first.Certificate.SerialNumber, (string?)read["serialNumber"]);

        using var renewed = server.Apns.Authority.MintPushCertificate(first.Topic);
        var after = await Json(await server.Put(renewed.ToPkcs12("pa55"), "application/x-pkcs12", "pa55"));
        Assert.Equal(renewed.Certificate.SerialNumber, (string?)after["serialNumber"]);

        using var other = server.Apns.Authority.MintPushCertificate();
        var refused = await Problem(await server.Put(other.ToPem()), HttpStatusCode.Conflict, "push-certificate-topic-changed");
        Assert.Contains("1 iPads depend on " + first.Topic, refused, StringComparison.Ordinal);
        await Problem(await server.Put(other.ToPem(), query: "?force=false"), HttpStatusCode.Conflict, "push-certificate-topic-changed");
        await Json(await server.Put(other.ToPem(), query: "?force=true"));
        Assert.Equal(other.Topic, (string?)(await Json(await server.Admin.GetAsync(Path)))["topic"]);
    }

    [Fact]
    public async Task Every_wrong_upload_is_answered_with_what_is_wrong()
    {
        await using var server = await PushServer.Start();
        var now = TimeProvider.System.GetUtcNow();
        using var good = server.Apns.Authority.MintPushCertificate();
        using var expired = server.Apns.Authority.MintPushCertificate(null, now.AddDays(-10), now.AddDays(-1));
        using var ofAnApp = server.Apns.Authority.MintPushCertificate("com.example.app");

        await Problem(await server.Put(good.ToPem("secret")), HttpStatusCode.UnprocessableEntity, "push-certificate-password-needed");
        var wrong = await Problem(await server.Put(good.ToPem("secret"), "hunter2"), HttpStatusCode.UnprocessableEntity, "push-certificate-wrong-password");
        Assert.DoesNotContain("hunter2", wrong, StringComparison.Ordinal);
        await Problem(await server.Put(good.ToPkcs12("secret"), "application/x-pkcs12", "hunter2"), HttpStatusCode.UnprocessableEntity, "push-certificate-wrong-password");
        await Problem(await server.Put(good.Certificate.ExportCertificatePem()), HttpStatusCode.UnprocessableEntity, "push-certificate-no-private-key");
        await Problem(await server.Put(expired.ToPem()), HttpStatusCode.UnprocessableEntity, "push-certificate-expired");
        await Problem(await server.Put(ofAnApp.ToPem()), HttpStatusCode.UnprocessableEntity, "push-certificate-not-an-mdm-topic");
        await Problem(await server.Put([1, 2, 3], "application/x-pkcs12"), HttpStatusCode.UnprocessableEntity, "push-certificate-unreadable");
        await Problem(await server.Put([], "application/x-pem-file"), HttpStatusCode.BadRequest, "invalid-request");
        await Problem(await server.Put(good.ToPem(), query: "?force=perhaps"), HttpStatusCode.BadRequest, "invalid-request");
        await Problem(await server.Put(good.ToPem(), query: "?farce=true"), HttpStatusCode.BadRequest, "invalid-request");
        await Problem(await server.Put([1, 2, 3], "application/json"), HttpStatusCode.UnsupportedMediaType, "unsupported-media-type");
        await Problem(await server.Put([1, 2, 3], null), HttpStatusCode.UnsupportedMediaType, "unsupported-media-type");
        await Problem(await server.Put(new byte[1024 * 1024 + 1], "application/x-pem-file"), HttpStatusCode.RequestEntityTooLarge, "body-too-large");
        await Problem(await server.Admin.GetAsync(Path), HttpStatusCode.NotFound, "not-found");
    }

    [Fact]
    public async Task Pushes_that_get_no_answer_are_told_on_the_overview_and_by_REST()
    {
        const string Words = "Pushes get no answer from Apple";
        await using var server = await PushServer.Start();
        using var certificate = server.Apns.Authority.MintPushCertificate();
        await Json(await server.Put(certificate.ToPem()));
        Assert.DoesNotContain(Words, await server.Admin.GetStringAsync("/"), StringComparison.Ordinal);

        var grain = server.Grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key);
        await grain.ReportAnswers(TimeProvider.System.GetUtcNow());
        Assert.Contains(Words, await server.Admin.GetStringAsync("/"), StringComparison.Ordinal);
        Assert.Contains("no answer from Apple", await server.Admin.GetStringAsync("/push-certificate"), StringComparison.Ordinal);
        Assert.NotNull((await Json(await server.Admin.GetAsync(Path)))["unansweredAt"]);

        await grain.ReportAnswers(null);
        Assert.DoesNotContain(Words, await server.Admin.GetStringAsync("/"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_without_a_length_is_bounded_too()
    {
        await using var server = await PushServer.Start();
        using var request = new HttpRequestMessage(HttpMethod.Put, Path) { Content = new StreamContent(new MemoryStream(new byte[1024 * 1024 + 1])) };
        request.Headers.TransferEncodingChunked = true;
        request.Content.Headers.ContentType = new("application/x-pem-file");

        await Problem(await server.Admin.SendAsync(request), HttpStatusCode.RequestEntityTooLarge, "body-too-large");
    }

    private static async Task<JsonObject> Json(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{response.StatusCode}: {text}");
        response.Dispose();
        return JsonNode.Parse(text)!.AsObject();
    }

    /// <returns>The detail.</returns>
    private static async Task<string> Problem(HttpResponseMessage response, HttpStatusCode status, string code)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == status, $"{response.StatusCode}: {text}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        response.Dispose();
        var problem = JsonNode.Parse(text)!;
        Assert.Equal(code, (string?)problem["code"]);
        return (string)problem["detail"]!;
    }
}
