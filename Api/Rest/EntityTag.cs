using System.Globalization;

namespace FleetMdm.Api.Rest;

/// <summary>ETag and If-Match of what has a version: of two who change the same, the later one is told.</summary>
internal static class EntityTag
{
    /// <summary>How often a change of whatever stands is made anew when others are faster: more than people press a button at once.</summary>
    private const int MostAttempts = 50;

    public static void Write(HttpContext context, int version) =>
        context.Response.Headers.ETag = string.Create(CultureInfo.InvariantCulture, $"\"{version}\"");

    /// <summary>The version that a change was made from; null: whatever stands.</summary>
    /// <exception cref="ApiProblem">428: there is no If-Match.</exception>
    public static int? Required(HttpContext context) => Given(context)
        ? Optional(context)
        : throw new ApiProblem(StatusCodes.Status428PreconditionRequired, ProblemCodes.NoPrecondition, "If-Match is missing",
            "Send If-Match with the ETag that you read, so that nobody's change is lost; or If-Match: * to write over whatever stands.");

    /// <summary>The version that a change was made from; null: whatever stands.</summary>
    public static int? Optional(HttpContext context)
    {
        var header = context.Request.Headers.IfMatch.ToString().Trim();
        if (header.Length == 0 || header == "*") return null;
        var tag = header.StartsWith("W/", StringComparison.Ordinal) ? header[2..] : header;
        return int.TryParse(tag.Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? version
            : throw ApiProblem.Field("If-Match", "It must be the ETag that you read, as in \"3\", or *.");
    }

    /// <summary>A change of whatever stands is made anew when somebody else was faster; one that is based on a version is not.</summary>
    /// <param name="basedOn">The version that the change was made from; null: whatever stands.</param>
    /// <param name="change">Reads what stands, and changes it.</param>
    public static async Task<T> Attempt<T>(int? basedOn, Func<Task<T>> change)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await change();
            }
            catch (ApiProblem problem) when (problem.Status == StatusCodes.Status412PreconditionFailed && basedOn is null && attempt < MostAttempts)
            {
                // The next attempt reads what stands now.
            }
        }
    }

    /// <summary>Somebody else was faster.</summary>
    public static ApiProblem Changed(string what) => new(StatusCodes.Status412PreconditionFailed, ProblemCodes.Changed, "It was changed in between",
        $"Somebody else has changed {what} in between. Nothing was saved. Look at it again, and repeat your change.");

    private static bool Given(HttpContext context) => !string.IsNullOrWhiteSpace(context.Request.Headers.IfMatch.ToString());
}
