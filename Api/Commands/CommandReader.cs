using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Api.Apps;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Api.Commands;

/// <summary>From what an administrator sends to a command that is checked and can be queued.</summary>
internal static class CommandReader
{
    private const string Force = "force";

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = AdminJson.MaxDepth, AllowDuplicateProperties = false };

    /// <summary>JSON by the catalogue, any property list (XML or binary) as application/xml, or a profile to install.</summary>
    /// <param name="raw">A property list may have a RequestType that Apple does not document for iPads.</param>
    /// <returns>The command, and whether JSON asks to force it.</returns>
    public static async ValueTask<(BuiltCommand Command, bool Force)> ReadAsync(HttpContext context, bool raw = false)
    {
        RequestBody.RequireMediaType(context.Request, RequestBody.Json, RequestBody.Xml, ConfigurationProfile.ContentType);
        var body = await RequestBody.ReadAsync(context);
        var type = RequestBody.MediaType(context.Request);
        if (raw && type != RequestBody.Xml) throw ApiProblem.Field("raw", "Only a command that is sent as a property list can be raw.");
        return type switch
        {
            RequestBody.Xml => (OwnEnrolment.Check(FromPlist(body, raw), "/Identifier"), false),
            ConfigurationProfile.ContentType => (FromProfile(body), false),
            _ => await FromJson(body, context.RequestServices.GetRequiredService<HostedAppService>()),
        };
    }

    private static BuiltCommand FromProfile(ReadOnlyMemory<byte> body)
    {
        try
        {
            return CommandCatalogue.FromProfile(body.ToArray());
        }
        catch (CommandFieldException e)
        {
            throw Invalid(e, "");
        }
    }

    /// <param name="prefix">Where the command stands in the body, without a dot behind it; empty: it is the body.</param>
    /// <param name="inside">A place in the command that the body does not have: it was put around what was sent.</param>
    public static BuiltCommand FromJson(JsonElement command, string prefix = "", string inside = "")
    {
        try
        {
            return OwnEnrolment.Check(CommandCatalogue.FromJson(command));
        }
        catch (CommandFieldException e)
        {
            throw Invalid(e, prefix, inside);
        }
        catch (InvalidOperationException)
        {
            throw NotUnicode(prefix.Length > 0 ? prefix : "command");
        }
    }

    /// <summary>For the answer that says that a command was accepted.</summary>
    public static IReadOnlyList<CommandWarning> Warnings(BuiltCommand command, string prefix = "") =>
        [.. command.Warnings.Select(warning => new CommandWarning(Named(warning.Field, prefix), warning.Message))];

    private static async ValueTask<(BuiltCommand Command, bool Force)> FromJson(ReadOnlyMemory<byte> body, HostedAppService apps)
    {
        try
        {
            using var document = JsonDocument.Parse(body, Strict);
            var (command, force) = WithoutForce(document.RootElement);
            return (FromJson(await apps.Resolve(command)), force);
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

    /// <summary>Our own member among Apple's keys: no command of Apple's has one of this name.</summary>
    private static (JsonElement Command, bool Force) WithoutForce(JsonElement command)
    {
        if (command.ValueKind != JsonValueKind.Object || !command.TryGetProperty(Force, out var force)) return (command, false);
        if (force.ValueKind is not (JsonValueKind.True or JsonValueKind.False)) throw ApiProblem.Field(Force, "It must be true or false.");
        var rest = JsonObject.Create(command)!;
        rest.Remove(Force);
        return (JsonSerializer.SerializeToElement(rest), force.GetBoolean());
    }

    private static BuiltCommand FromPlist(ReadOnlyMemory<byte> body, bool raw)
    {
        try
        {
            return CommandCatalogue.FromPlist(body, raw);
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

    internal static ApiProblem Invalid(CommandFieldException e, string prefix, string inside = "")
    {
        var field = Named(inside.Length > 0 && e.Field.StartsWith(inside, StringComparison.Ordinal) ? e.Field[inside.Length..] : e.Field, prefix);
        return e.Fault switch
        {
            CommandFault.UnknownRequestType => Unprocessable(field, e.Message, ProblemCodes.UnknownRequestType, "There is no such command"),
            CommandFault.Profile => Unprocessable(field, e.Message, ProblemCodes.InvalidProfile, "iPads would refuse this profile"),
            CommandFault.EndsEnrolment => Unprocessable(field, e.Message, ProblemCodes.OwnEnrolment, "It would end the enrolment"),
            _ => ApiProblem.Field(field, e.Message, ProblemCodes.InvalidCommand),
        };
    }

    private static ApiProblem Unprocessable(string field, string message, string code, string title) =>
        new(StatusCodes.Status422UnprocessableEntity, code, title, $"{field}: {message}")
        {
            Errors = new Dictionary<string, string[]> { [field] = [message] },
        };

    /// <summary>A command that says nothing but what it is.</summary>
    public static BuiltCommand Plain(string requestType) => FromJson(JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["requestType"] = requestType }));

    /// <summary>A place in a command, as errors name it.</summary>
    /// <param name="whole">For the command itself.</param>
    internal static string Named(string pointer, string prefix, string whole = "command") => Dotted(pointer, prefix) is { Length: > 0 } field ? field : whole;

    /// <summary><c>/returnToService/queries/3</c> → <c>returnToService.queries[3]</c>, as other errors name fields.</summary>
    internal static string Dotted(string pointer, string prefix)
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
