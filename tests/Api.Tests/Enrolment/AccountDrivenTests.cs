using System.Net;
using System.Text.Json;

namespace FleetMdm.Api.Tests.Enrolment;

[Collection(EnrolmentCollection.Name)]
public sealed class AccountDrivenTests(EnrolmentHost host)
{
    [Fact]
    public async Task An_iPad_that_looks_for_a_sign_in_is_told_in_words_that_there_is_none()
    {
        var answer = await host.Client.GetAsync("/.well-known/com.apple.remotemanagement?user-identifier=ada@school.example&model-family=iPad");

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal("application/json", answer.Content.Headers.ContentType!.MediaType);
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStreamAsync());
        Assert.Equal("com.apple.well-known.failed", body.RootElement.GetProperty("code").GetString());
        Assert.Contains("code to scan", body.RootElement.GetProperty("message").GetString());
    }
}
