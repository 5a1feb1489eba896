using System.Text;
using System.Text.Json;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Api.Commands;

/// <summary>From what an administrator sends to a command that is checked and can be queued.</summary>
internal static class CommandReader
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = AdminJson.MaxDepth, AllowDuplicateProperties = false };

    /// <summary>JSON by the catalogue, or any property list (XML or binary) as application/xml.</summary>
    public static async ValueTask<BuiltCommand> ReadAsync(HttpContext context)
    {
        RequestBody.RequireMediaType(context.Request, RequestBody.Json, RequestBody.Xml);
        var body = await RequestBody.ReadAsync(context);
        return RequestBody.MediaType(context.Request) == RequestBody.Xml ? OwnEnrolment.Check(FromPlist(body)) : FromJson(body);
    }

    public static BuiltCommand FromJson(JsonElement command, string prefix = "")
    {
        try
        {
            return OwnEnrolment.Check(CommandCatalogue.FromJson(command));
        }
        catch (CommandFieldException e)
        {
            throw Invalid(e, prefix);
        }
        catch (InvalidOperationException)
        {
            throw NotUnicode(prefix.Length > 0 ? prefix : "command");
        }
    }

    private static BuiltCommand FromJson(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, Strict);
            return FromJson(document.RootElement);
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair in a name, met when names are compared.
            throw NotUnicode("command");
        }
        catch (JsonException e)
        {
            var place = e.LineNumber is { } line ? $" (line {line + 1}, byte {e.BytePositionInLine + 1})" : "";
            throw new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidJson, "The body is not valid JSON",
                $"The body is not valid JSON, names a field twice, or is nested too deeply{place}.");
        }
    }

    private static BuiltCommand FromPlist(ReadOnlyMemory<byte> body)
    {
        try
        {
            return CommandCatalogue.FromPlist(body);
        }
        catch (CommandFieldException e)
        {
            throw Invalid(e, "");
        }
        catch (PlistFormatException e)
        {
            throw new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidCommand, "The body is not a property list", e.Message);
        }
    }

    private static ApiProblem NotUnicode(string field) =>
        ApiProblem.Field(field, "It holds text that is not valid Unicode.", ProblemCodes.InvalidCommand);

    private static ApiProblem Invalid(CommandFieldException e, string prefix)
    {
        var field = Dotted(e.Field, prefix);
        return ApiProblem.Field(field.Length > 0 ? field : "command", e.Message, ProblemCodes.InvalidCommand);
    }

    /// <summary><c>/returnToService/queries/3</c> → <c>returnToService.queries[3]</c>, as other errors name fields.</summary>
    private static string Dotted(string pointer, string prefix)
    {
        var text = new StringBuilder(prefix);
        foreach (var step in pointer.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (step.All(char.IsAsciiDigit)) text.Append('[').Append(step).Append(']');
            else text.Append(text.Length > 0 ? "." : "").Append(step.Replace("~1", "/").Replace("~0", "~"));
        }

        return Text.Printable(text.ToString(), 200);
    }
}
