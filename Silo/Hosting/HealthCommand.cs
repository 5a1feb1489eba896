using FleetMdm.Api.Hosting;

namespace FleetMdm.Silo.Hosting;

/// <summary><c>health</c>: asks the server on this machine whether it is ready; exit code 0 if so. For container health checks,
/// where the image has no HTTP client of its own.</summary>
internal static class HealthCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    public static async Task<int> Run(IReadOnlyList<string> arguments)
    {
        FleetConfiguration.CheckArguments(arguments);
        var configuration = new ConfigurationManager();
        configuration.AddFleetConfiguration(arguments);
        var listen = configuration.GetSection(HttpOptions.Section).Get<HttpOptions>()?.Listen ?? new HttpOptions().Listen;
        var address = ListenAddress.TryParse(listen) ?? throw new FleetStartException($"Http:Listen \"{listen}\" is not a URL.");
        var host = address.Host is "*" or "0.0.0.0" or "[::]" ? "127.0.0.1" : address.Host;

        // This machine's own server: whether its certificate is trusted is not the question.
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } })
        {
            Timeout = Patience,
        };
        try
        {
            using var response = await http.GetAsync(new Uri($"{(address.Https ? "https" : "http")}://{host}:{address.Port}/health/ready"));
            Console.WriteLine($"{(int)response.StatusCode} {(await response.Content.ReadAsStringAsync()).TrimEnd()}");
            return response.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            await Console.Error.WriteLineAsync($"fleetmdm: the server does not answer: {e.Message}");
            return 1;
        }
    }
}
