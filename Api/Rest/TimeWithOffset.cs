using System.Text.Json;
using System.Text.Json.Serialization;

namespace FleetMdm.Api.Rest;

/// <summary>A time in a body. One without an offset would be read by the clock of the server, and be hours off.</summary>
internal sealed class TimeWithOffset : JsonConverter<DateTimeOffset>
{
    public const string Words = "Write the offset, as in 2027-06-01T08:00:00+02:00.";

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && reader.TryGetDateTimeOffset(out var time) && HasOffset(reader.GetString()!) ? time : throw new JsonException(Words);

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => writer.WriteStringValue(value);

    /// <summary>ISO 8601: behind the T there is a sign only before an offset.</summary>
    public static bool HasOffset(string time) => time.IndexOf('T', StringComparison.Ordinal) is >= 0 and var clock && (time.EndsWith('Z') || time.IndexOfAny(['+', '-'], clock) > 0);
}
