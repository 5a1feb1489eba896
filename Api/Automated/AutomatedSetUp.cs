using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.SetUp;
using FleetMdm.Storage.Automated;

namespace FleetMdm.Api.Automated;

/// <summary>New iPads enrol out of the box.</summary>
internal sealed class AutomatedSetUp(IAutomatedStore store) : ISetUp
{
    private const int Order = 50;

    public async Task<IReadOnlyList<SetUpStep>> Find(FleetUser reader)
    {
        if (!reader.IsOfDistrict || !reader.May(Rights.AutomatedRead)) return [];
        var rows = await store.ListServers(reader.Scope);
        if (rows.Count == 0) return [Step(SetUpStep.Optional, "Without it, a person enrols each new iPad by a link or with Apple Configurator. It needs Apple School Manager.", "/automated/new")];
        foreach (var (server, _, devices, _) in rows)
        {
            var path = $"/automated/servers/{server.Id}";
            if (server.SealedToken is null) return [Step(SetUpStep.ToDo, $"{server.Name} has no server token. Its page leads to it.", path)];
            if (server.Problem != AutomatedProblem.None) return [Step(SetUpStep.Look, $"{server.Name}: {server.ProblemDetail}", path)];
            if (server.ProfileId is null) return [Step(SetUpStep.ToDo, $"{server.Name} has no default profile: its new iPads would not enrol. Choose one.", path)];
            if (devices == 0) return [Step(SetUpStep.Look, $"Apple names no iPad for {server.Name}. Give iPads to this server in Apple School Manager.", path)];
        }

        return [Step(SetUpStep.Done, $"{Words.Count(rows.Sum(row => row.Devices), "iPad enrols", "iPads enrol")} out of the box.", "/automated")];
    }

    private static SetUpStep Step(string state, string detail, string path) =>
        new() { Order = Order, Id = "automated-enrolment", Title = "Let new iPads enrol out of the box", State = state, Detail = detail, Path = path };
}
