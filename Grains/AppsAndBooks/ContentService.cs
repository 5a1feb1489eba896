using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Grains.Outside;
using FleetMdm.Storage.AppsAndBooks;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.AppsAndBooks;

/// <summary>Apple's Apps and Books, for one content token at a time (<see href="https://developer.apple.com/documentation/devicemanagement/app-and-book-management"/>).</summary>
/// <remarks>Connections are shared. A token is its grain's, which makes one request after the other. The body of an answer is looked at before its status: errors come with 200 too.</remarks>
internal sealed class ContentService : IDisposable
{
    private const string Root = "/mdm/v2/";

    private readonly OutsideClient _client;
    private readonly Uri _endpoint;

    public ContentService(IOptions<AppsAndBooksOptions> options, TimeProvider time) => (_endpoint, _client) = (
        new Uri(options.Value.Endpoint), new OutsideClient(options.Value.LoadTrustedRoots(), options.Value.Proxy, TimeSpan.FromSeconds(options.Value.AnswerSeconds), time));

    public void Dispose() => _client.Dispose();

    public async Task<ContentLimits> Limits(CancellationToken stopping) => ContentAnswers.Limits(await Send(null, HttpMethod.Get, "service/config", null, stopping));

    public async Task<ContentConfig> Config(string token, CancellationToken stopping) => ContentAnswers.Config(await Send(token, HttpMethod.Get, "client/config", null, stopping));

    /// <param name="notify">Address and secret; null: Apple is to send no notifications.</param>
    public async Task<ContentConfig> Claim(string token, string id, string name, string metadata, (string Url, string Secret)? notify, CancellationToken stopping)
    {
        var body = new JsonObject { ["mdmInfo"] = new JsonObject { ["id"] = id, ["name"] = name, ["metadata"] = metadata } };
        if (notify is var (url, secret))
        {
            body["notificationUrl"] = url;
            body["notificationAuthToken"] = secret;
            body["notificationTypes"] = new JsonArray("ASSET_MANAGEMENT", "ASSET_COUNT");
        }

        return ContentAnswers.Config(await Send(token, HttpMethod.Post, "client/config", body, stopping));
    }

    /// <param name="adamId">Only this one; null: all.</param>
    public async Task<ContentPage<ContentAsset>> Assets(string token, int page, string? adamId, CancellationToken stopping) =>
        ContentAnswers.Assets(await Send(token, HttpMethod.Get, Query("assets", ("pageIndex", Number(page)), ("adamId", adamId)), null, stopping));

    /// <param name="since">The version from which on it is asked; null: all.</param>
    public async Task<ContentPage<(string AdamId, string Pricing, string SerialNumber)>> Assignments(string token, int page, string? since, string? adamId, string? serial, CancellationToken stopping) =>
        ContentAnswers.Assignments(await Send(
            token, HttpMethod.Get, Query("assignments", ("pageIndex", Number(page)), ("sinceVersionId", since), ("adamId", adamId), ("serialNumber", serial)), null, stopping));

    /// <param name="gives">Else it takes back.</param>
    /// <returns>Apple's id of the request.</returns>
    public async Task<string> Change(string token, bool gives, string adamId, string pricing, IEnumerable<string> serials, CancellationToken stopping)
    {
        var answer = await Send(token, HttpMethod.Post, gives ? "assets/associate" : "assets/disassociate", new JsonObject
        {
            ["assets"] = new JsonArray(new JsonObject { ["adamId"] = adamId, ["pricingParam"] = pricing }),
            ["serialNumbers"] = new JsonArray([.. serials.Select(serial => JsonValue.Create(serial))]),
        }, stopping);
        return ContentAnswers.Text(answer, "eventId") is { Length: <= 200 } id ? id : throw new ContentException(ContentProblem.Unexpected, "Apple took a request and did not say under which id.", refused: false);
    }

    public async Task<ContentStatus> Status(string token, string eventId, CancellationToken stopping) =>
        ContentAnswers.Status(await Send(token, HttpMethod.Get, Query("status", ("eventId", eventId)), null, stopping));

    /// <summary>What apps are called. Those that were withdrawn are not in the answer.</summary>
    /// <param name="adamIds">At least one: Apple answers none with an error.</param>
    public async Task<IReadOnlyList<(string AdamId, string? Name, string? BundleId)>> Names(string token, Uri lookup, string country, IReadOnlyList<string> adamIds, CancellationToken stopping)
    {
        var address = new UriBuilder(lookup)
        {
            Query = Query("", ("version", "2"), ("p", "mdm-lockup"), ("caller", "MDM"), ("platform", "volumestore"), ("cc", country.ToLowerInvariant()), ("l", "en"), ("id", string.Join(',', adamIds))).TrimStart('?'),
        };
        var (status, json, _) = await Request(HttpMethod.Get, address.Uri, null, headers => headers.TryAddWithoutValidation("Cookie", $"itvt={token}"), stopping);
        return status is >= 200 and < 300 && json is not null ? ContentAnswers.Names(json) : throw new ContentException(ContentProblem.Unexpected, $"The App Store does not say what apps are called (status {status}).");
    }

    private async Task<JsonObject> Send(string? token, HttpMethod method, string path, JsonObject? body, CancellationToken stopping)
    {
        var (status, json, retryAfter) = await Request(method, new Uri(_endpoint, Root + path), body, headers =>
        {
            if (token is not null) headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        }, stopping);
        return ContentAnswers.Refusal(status, json, retryAfter) is { } refusal ? throw refusal : json!;
    }

    private async Task<(int Status, JsonObject? Json, TimeSpan? RetryAfter)> Request(HttpMethod method, Uri address, JsonObject? body, Action<HttpRequestHeaders> headers, CancellationToken stopping)
    {
        using var request = new HttpRequestMessage(method, address) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        headers(request.Headers);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        try
        {
            var answer = await _client.Send(request, stopping);
            return (answer.Status, Json(answer.Body), answer.RetryAfter);
        }
        catch (OutsideException e)
        {
            throw new ContentException(e.TooLong ? ContentProblem.Unexpected : ContentProblem.Unreachable, e.Message, refused: false, inner: e);
        }
    }

    /// <summary>Null: it is none.</summary>
    private static JsonObject? Json(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Query(string path, params (string Name, string? Value)[] parts) =>
        path + "?" + string.Join('&', parts.Where(part => part.Value is not null).Select(part => $"{part.Name}={Uri.EscapeDataString(part.Value!)}"));

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
