using System.Text.Json;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>
/// The body that explains a 403, as JSON or as a property list; its content type must say which.
/// <see href="https://developer.apple.com/documentation/devicemanagement/errorunrecognizeddevice"/>
/// </summary>
internal static class ServerError
{
    /// <summary>Apple's code; null when the body is not such an error.</summary>
    public static string? Code(MdmAnswer answer)
    {
        try
        {
            if (answer.MediaType is "application/xml" or "text/xml" or "application/x-apple-plist")
                return PlistReader.ReadDict(answer.Body).Text("code");
            if (answer.MediaType is null || !(answer.MediaType is "application/json" || answer.MediaType.EndsWith("+json", StringComparison.Ordinal)))
                return null;
            using var json = JsonDocument.Parse(answer.Body);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("code", out var code)
                && code.ValueKind == JsonValueKind.String ? code.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or PlistException)
        {
            return null;
        }
    }
}
