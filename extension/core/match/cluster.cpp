#include "core/match/cluster.hpp"

#include <algorithm>
#include <queue>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace xsell::core {
namespace {

using Node = std::uint32_t;

class Agglomeration {
  public:
    Agglomeration(std::vector<std::int64_t> nodes, const Clustering &options, const std::function<void()> &checkpoint)
        : nodes_(std::move(nodes)),
          options_(options),
          checkpoint_(checkpoint),
          parent_(nodes_.size()),
          size_(nodes_.size(), 1),
          near_(nodes_.size()),
          apart_(nodes_.size()) {
        for (std::size_t i = 0; i < parent_.size(); ++i) {
            parent_[i] = static_cast<Node>(i);
        }
    }

    Node position(std::int64_t node) const {
        return static_cast<Node>(std::lower_bound(nodes_.begin(), nodes_.end(), node) - nodes_.begin());
    }

    Node root(Node node) {
        while (parent_[node] != node) {
            parent_[node] = parent_[parent_[node]];
            node = parent_[node];
        }
        return node;
    }

    void keep_apart(Node a, Node b) {
        if (a != b) {
            apart_[a].insert(b);
            apart_[b].insert(a);
        }
    }

    void score(Node a, Node b, double score) {
        if (a != b) {
            near_[a][b] = near_[b][a] = {score, 1};
        }
    }

    void unite_always(Node a, Node b) {
        a = root(a);
        b = root(b);
        if (a != b && !apart_[a].contains(b)) {
            unite(a, b);
        }
    }

    void run() {
        for (Node a = 0; a < near_.size(); ++a) {
            for (const auto &[b, link] : near_[a]) {
                if (a < b) {
                    offer(a, b);
                }
            }
        }
        std::size_t steps = 0;
        while (!queue_.empty()) {
            if (++steps % 4096 == 0) {
                checkpoint_();
            }
            const Offer best = queue_.top();
            queue_.pop();
            if (parent_[best.a] == best.a && parent_[best.b] == best.b && size_[best.a] == best.size_a &&
                size_[best.b] == best.size_b) {
                const Node survivor = unite(best.a, best.b);
                for (const auto &[other, link] : near_[survivor]) {
                    offer(std::min(survivor, other), std::max(survivor, other));
                }
            }
        }
    }

    std::vector<Membership> members() {
        std::vector<Membership> all;
        all.reserve(nodes_.size());
        for (Node i = 0; i < nodes_.size(); ++i) {
            all.push_back({nodes_[i], nodes_[root(i)]});
        }
        return all;
    }

  private:
    struct Sum {
        double score;
        std::uint64_t pairs;
    };
    struct Offer {
        double score;
        Node a, b;
        std::uint32_t size_a, size_b;
        // Among equals the lowest nodes go first, so that the result depends on nothing else.
        bool operator<(const Offer &o) const { return std::tuple(score, o.a, o.b) < std::tuple(o.score, a, b); }
    };

    void offer(Node a, Node b) {
        if (apart_[a].contains(b)) {
            return;
        }
        const Sum &sum = near_[a].at(b);
        const double pairs = static_cast<double>(size_[a]) * size_[b];
        const double average = (sum.score + (pairs - static_cast<double>(sum.pairs)) * options_.unscored) / pairs;
        if (average >= options_.join_at) {
            queue_.push({average, a, b, size_[a], size_[b]});
        }
    }

    // The lower node names the cluster.
    Node unite(Node a, Node b) {
        const Node to = std::min(a, b);
        const Node from = std::max(a, b);
        parent_[from] = to;
        size_[to] += size_[from];
        for (const auto &[other, link] : near_[from]) {
            near_[other].erase(from);
            if (other != to) {
                Sum &sum = near_[to].try_emplace(other, Sum{0, 0}).first->second;
                sum.score += link.score;
                sum.pairs += link.pairs;
                near_[other][to] = sum;
            }
        }
        for (const Node other : apart_[from]) {
            apart_[other].erase(from);
            apart_[other].insert(to);
            apart_[to].insert(other);
        }
        near_[from] = {};
        apart_[from] = {};
        return to;
    }

    std::vector<std::int64_t> nodes_;
    const Clustering &options_;
    const std::function<void()> &checkpoint_;
    std::vector<Node> parent_;
    std::vector<std::uint32_t> size_;
    std::vector<std::unordered_map<Node, Sum>> near_;
    std::vector<std::unordered_set<Node>> apart_;
    std::priority_queue<Offer> queue_;
};

}  // namespace

std::vector<Membership> cluster(std::span<const Link> scored, std::span<const Link> must, std::span<const Link> cannot,
                                const Clustering &options, const std::function<void()> &checkpoint) {
    std::vector<std::int64_t> nodes;
    for (const auto &links : {scored, must, cannot}) {
        for (const Link &link : links) {
            nodes.push_back(link.a);
            nodes.push_back(link.b);
        }
    }
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    Agglomeration clusters(std::move(nodes), options, checkpoint);
    for (const Link &link : cannot) {
        clusters.keep_apart(clusters.position(link.a), clusters.position(link.b));
    }
    for (const Link &link : scored) {
        clusters.score(clusters.position(link.a), clusters.position(link.b), link.score);
    }
    std::vector<Link> bound(must.begin(), must.end());
    for (Link &link : bound) {
        if (link.b < link.a) {
            std::swap(link.a, link.b);
        }
    }
    std::sort(bound.begin(), bound.end(),
              [](const Link &x, const Link &y) { return std::tuple(-x.score, x.a, x.b) < std::tuple(-y.score, y.a, y.b); });
    for (const Link &link : bound) {
        clusters.unite_always(clusters.position(link.a), clusters.position(link.b));
    }
    clusters.run();
    return clusters.members();
}

}  // namespace xsell::core
