using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Commands;

/// <summary>A command that the console's forms offer.</summary>
/// <param name="Words">On the button.</param>
/// <param name="TakesAway">What it takes cannot be brought back.</param>
public sealed record ConsoleCommand(string RequestType, string Words, bool TakesAway);

/// <summary>The commands of the console's forms, for one iPad and for many.</summary>
internal static class ConsoleCommands
{
    public static readonly IReadOnlyList<ConsoleCommand> All =
    [
        new("DeviceInformation", "Refresh details", TakesAway: false),
        new("DeviceLock", "Lock the screen", TakesAway: false),
        new("RestartDevice", "Restart", TakesAway: false),
        new("InstallProfile", "Install a profile", TakesAway: false),
        new("RemoveProfile", "Remove a profile", TakesAway: true),
        new("ClearPasscode", "Clear the passcode", TakesAway: true),
        new("EraseDevice", "Erase", TakesAway: true),
    ];

    /// <summary>From the fields requestType, message, profile (a file) and identifier to a command as REST takes it.</summary>
    public static Task<JsonElement> Read(UploadForm form, CancellationToken cancellationToken)
    {
        var requestType = All.FirstOrDefault(command => command.RequestType == form.Get("requestType"))?.RequestType
            ?? throw Wrong("requestType", "Choose what to do.");
        return Read(form, requestType, cancellationToken);
    }

    public static async Task<JsonElement> Read(UploadForm form, string requestType, CancellationToken cancellationToken)
    {
        var command = new JsonObject { ["requestType"] = requestType };
        switch (requestType)
        {
            case "DeviceLock" when form.Get("message") is { } message:
                command["message"] = message;
                break;
            case "InstallProfile":
                var profile = await form.File("profile", cancellationToken) ?? throw Wrong("profile", "Choose the profile's file.");
                command["payload"] = Convert.ToBase64String(profile);
                break;
            case "RemoveProfile":
                command["identifier"] = form.Get("identifier")?.Trim() ?? throw Wrong("identifier", "Enter the identifier of the profile.");
                break;
        }

        return JsonSerializer.SerializeToElement(command);
    }

    private static ApiProblem Wrong(string field, string words) =>
        new(StatusCodes.Status400BadRequest, ProblemCodes.InvalidRequest, "Something is missing", words)
        {
            Errors = new Dictionary<string, string[]> { [field] = [words] },
        };
}
