using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FleetMdm.Api.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Api.AppsAndBooks;

/// <summary>
/// <c>POST /mdm/apps-and-books/{place}</c>: Apple says that something has changed at a location. An answer goes this way:
/// </summary>
/// <remarks>
/// <code>
/// 1. body       bounded                                                          413
/// 2. place      the secret part of the address is that of a location             404
/// 3. secret     Authorization has what Apple was told, in constant time          401
/// 4. read       JSON with a notificationId, and of this location                 400
/// 5. once       Apple sends some twice                                           200
/// 6. tell       the location's grain looks with Apple, in the background         200
/// </code>
/// What a notification says is never believed: it only has Apple asked sooner.
/// </remarks>
internal sealed partial class ContentNotificationEndpoint(IContentStore store, IGrainFactory grains, SecretSealer sealer, ClientAddress clients, TimeProvider time, ILogger<ContentNotificationEndpoint> logger)
{
    public const string Path = "/mdm/apps-and-books";

    /// <summary>A hundred iPads have 10 KB.</summary>
    private const int MostBytes = 256 * 1024;

    /// <summary>As the server makes it: 24 bytes in hexadecimal.</summary>
    private const int PlaceLength = 48;

    private const int LongestId = 200;
    private const int LongestApp = 20;

    /// <summary>As many as Apple puts into one.</summary>
    private const int MostElements = 100;
    private const string Bearer = "Bearer ";

    private readonly OncePerHour _told = new(time);

    public async Task<IResult> Handle(string place, HttpContext context)
    {
        // 1
        if (await BoundedBody.Read(context.Request, MostBytes) is not { } body) return Refuse(context, StatusCodes.Status413PayloadTooLarge, "it is too large");

        // 2
        if (place.Length != PlaceLength || await store.FindByNotify(SHA256.HashData(Encoding.ASCII.GetBytes(place))) is not { } known)
            return Refuse(context, StatusCodes.Status404NotFound, "there is no such address");

        // 3
        if (!IsSecret(known, context.Request.Headers.Authorization.ToString())) return Refuse(context, StatusCodes.Status401Unauthorized, "it has not the secret that Apple was told");

        // 4
        string? id, type, uid, happening = null;
        var (apps, takes) = (new HashSet<string>(StringComparer.Ordinal), false);
        try
        {
            using var json = JsonDocument.Parse(body);
            (id, type, uid) = (Text(json.RootElement, "notificationId"), Text(json.RootElement, "notificationType"), Text(json.RootElement, "uId"));
            if (json.RootElement.TryGetProperty("notification", out var about))
            {
                (happening, takes) = (Text(about, "eventId"), Text(about, "type") is "DISASSOCIATE" or "REVOKE");
                if (App(about) is { } counted) apps.Add(counted);
                if (about.TryGetProperty("assignments", out var assignments) && assignments.ValueKind == JsonValueKind.Array)
                    apps.UnionWith(assignments.EnumerateArray().Take(MostElements).Select(App).OfType<string>());
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Refuse(context, StatusCodes.Status400BadRequest, "it is no JSON");
        }

        if (id is not { Length: > 0 and <= LongestId } || type is null || id.Any(char.IsControl) || (uid is not null && uid != known.Uid)) return Refuse(context, StatusCodes.Status400BadRequest, "it is no notification of this location");

        // 5, 6
        if (type != "TEST_NOTIFICATION" && await store.TakeNotification(known, id, time.GetUtcNow())) await grains.GetGrain<IContentLocationGrain>(known.LocationId).Notified(new ContentNotice(type, happening is { Length: <= LongestId } ? happening : null, [.. apps], takes));
        return Results.Ok();
    }

    private bool IsSecret(ContentPlace place, string header)
    {
        try
        {
            return header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
                && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(header[Bearer.Length..])), SHA256.HashData(sealer.Open(ContentLocation.NotifyPurpose(place.LocationId), place.SealedSecret)));
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private IResult Refuse(HttpContext context, int status, string why)
    {
        if (_told.IsDue(clients.Of(context))) LogRefused(clients.Of(context), why);
        return Results.StatusCode(status);
    }

    /// <summary>Its number in the App Store: a text, or a number.</summary>
    private static string? App(JsonElement json) => json.ValueKind == JsonValueKind.Object && json.TryGetProperty("adamId", out var value) && value.ValueKind is JsonValueKind.String or JsonValueKind.Number
        && value.ToString() is { Length: > 0 and <= LongestApp } adam && adam.All(char.IsAsciiDigit) ? adam : null;

    private static string? Text(JsonElement json, string name) => json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    [LoggerMessage(2620, LogLevel.Warning, "A notification of Apps and Books from {Address} was refused: {Reason}. This is said once an hour of each address.")]
    private partial void LogRefused(System.Net.IPAddress? address, string reason);
}
